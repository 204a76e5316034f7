# The made-up account for OpenTofu. account.json holds each app and placement as the API's creates take them.

terraform {
  required_providers {
    restapi = { source = "Mastercard/restapi" }
  }
}

variable "url" {
  type = string
}

variable "token" {
  type      = string
  sensitive = true
}

provider "restapi" {
  uri                   = var.url
  headers               = { Authorization = "Bearer ${var.token}" } # the API's token is none that the provider can ask for
  create_returns_object = true                                      # the new id is in the answer to a POST
  write_returns_object  = true                                      # no read after a write
  copy_keys             = ["appId", "placementId"]                  # a PUT names its resource in the body, not in the path
}

locals {
  account = jsondecode(file("${path.module}/account.json"))
}

resource "restapi_object" "app" {
  for_each     = local.account.apps
  path         = "/api/management/v1/app"
  read_path    = "/api/management/v1/app?appId={id}"
  update_path  = "/api/management/v1/app"
  id_attribute = "appid" # spelled so in the answer to a create, which is where the id is taken from
  data         = jsonencode(each.value)
}

resource "restapi_object" "placement" {
  for_each     = local.account.placements
  path         = "/api/management/v1/placement"
  read_path    = "/api/management/v1/placement?placementId={id}"
  update_path  = "/api/management/v1/placement"
  id_attribute = "PlacementId"
  data         = jsonencode(merge(each.value.body, { appId = restapi_object.app[each.value.app].id }))
}
