terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7"
    }
  }

  # The path is given at init, as for the stage itself.
  backend "local" {}
}

provider "aws" {
  default_tags {
    tags = {
      Project = "alchemiser"
      Stage   = var.stage
    }
  }
}
