variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "key_arn" {
  description = "ARN of a key of KMS that encrypts the table; null leaves it to keys of AWS."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether the table with the ledger refuses to be deleted, by Terraform too."
  type        = bool
  default     = false
  nullable    = false
}
