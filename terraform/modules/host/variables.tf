variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "bus" {
  description = "Name and ARN of the event bus."
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "dead_letters_arn" {
  description = "Queue for events that could not be put into the process's queue."
  type        = string
  nullable    = false
}

variable "key_arn" {
  description = "ARN of a key of KMS that encrypts the queue; null leaves it to keys of AWS."
  type        = string
  default     = null
}
