variable "bucket" {
  description = "Name of the bucket for the states of all stages; it must be free in all of AWS: alchemiser-state-<account id> is."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket must be 3 to 63 characters of a-z, 0-9 and '-'; a dot would break TLS."
  }
}

variable "keep_days" {
  description = "Days that an overwritten state can be had back."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.keep_days >= 1 && floor(var.keep_days) == var.keep_days
    error_message = "keep_days must be a whole number of days, at least 1."
  }
}
