terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7"
    }
  }

  # The path is given at init (-backend-config=path=…), one per stage and target, so that a state that was written
  # against the local endpoint never meets a real account.
  backend "local" {}
}

# No `endpoints`: AWS_ENDPOINT_URL switches to the local endpoint, and the code stays the same.
provider "aws" {
  allowed_account_ids = var.account_id == null ? null : [var.account_id]

  default_tags {
    tags = {
      Project = "alchemiser"
      Stage   = var.stage
    }
  }
}
