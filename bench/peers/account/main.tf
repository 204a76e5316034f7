# The made-up account for OpenTofu, one JSON file for each app. A single `for_each` over all placements instead of a
# module for each app takes OpenTofu four times as long, and resources written out one by one as long as this.

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
  headers               = { Authorization = "Bearer ${var.token}" } # the provider cannot ask this API for a token
  create_returns_object = true                                      # the new id is in the answer to a POST
  write_returns_object  = true                                      # no read after a write
  copy_keys             = ["appId", "placementId"]                  # a PUT names its resource in the body
}

module "app" {
  source   = "./app"
  for_each = fileset(path.module, "apps/*.json")
  file     = each.value
}
