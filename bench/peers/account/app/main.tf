# One app and its placements, from a file that holds them as the API's creates take them.

terraform {
  required_providers {
    restapi = { source = "Mastercard/restapi" }
  }
}

variable "file" {
  type = string
}

locals {
  declared = jsondecode(file(var.file))
}

resource "restapi_object" "app" {
  path         = "/api/management/v1/app"
  read_path    = "/api/management/v1/app?appId={id}"
  update_path  = "/api/management/v1/app"
  id_attribute = "appid" # as the answer to a create spells it: the id is taken from there
  data         = jsonencode(local.declared.app)
}

resource "restapi_object" "placement" {
  for_each     = local.declared.placements
  path         = "/api/management/v1/placement"
  read_path    = "/api/management/v1/placement?placementId={id}"
  update_path  = "/api/management/v1/placement"
  id_attribute = "PlacementId"
  data         = jsonencode(merge(each.value, { appId = restapi_object.app.id }))
}
