variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "archive_retention_days" {
  description = "Days that the archive keeps every event."
  type        = number
  nullable    = false

  validation {
    condition     = var.archive_retention_days >= 1 && floor(var.archive_retention_days) == var.archive_retention_days
    error_message = "archive_retention_days must be a whole number from 1: an archive that keeps for ever grows for ever."
  }
}

variable "key_arn" {
  description = "ARN of a key of KMS that encrypts the bus and the queue; null leaves it to keys of AWS."
  type        = string
  default     = null
}
