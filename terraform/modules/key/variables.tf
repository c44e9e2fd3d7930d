variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "bus_name" {
  description = "Name of the event bus whose events the key encrypts."
  type        = string
  nullable    = false
}

variable "role_arns" {
  description = "ARNs of the roles that use what the key encrypts: those of the functions and of the schedules."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.role_arns) > 0 && alltrue([for arn in var.role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/", arn))])
    error_message = "role_arns must name at least one role by its ARN; a wildcard would let everybody in."
  }
}
