terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7"
    }
  }

  # The bucket cannot keep the state that makes it before it is there; the README says how it moves in.
  backend "local" {}
}

provider "aws" {
  default_tags {
    tags = {
      Project = "alchemiser"
    }
  }
}
