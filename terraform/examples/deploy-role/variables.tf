variable "stage" {
  description = "Stage that the role may deploy, and no other: every resource name that it may touch ends in it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "repository" {
  description = "GitHub repository whose workflows may deploy, as OWNER/NAME."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be OWNER/NAME without wildcards."
  }
}

variable "environment" {
  description = "GitHub environment that a deploying job must run in; its reviewers and branches are who may deploy. Null: the stage's name."
  type        = string
  default     = null

  validation {
    condition     = var.environment == null || can(regex("^[A-Za-z0-9._-]+$", var.environment))
    error_message = "environment must be a plain name without wildcards."
  }
}

variable "create_provider" {
  description = "Whether to make GitHub's identity provider. An account has one: false for every stage but its first."
  type        = bool
  default     = true
  nullable    = false
}

variable "customer_key" {
  description = "Whether the stage is deployed with customer_key = true, so that the role may make and remove that key."
  type        = bool
  default     = false
  nullable    = false
}

variable "state" {
  description = "Where the stage's Terraform state is: bucket of examples/backend and the object's key. Null grants no access to a state."
  type = object({
    bucket = string
    key    = string
  })
  default = null
}
