variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "portfolio_id" {
  description = "Portfolio that the schedules start."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{0,31}$", var.portfolio_id))
    error_message = "portfolio_id must be 1 to 32 characters of a-z, 0-9, '_' and '-'."
  }
}

variable "enabled" {
  description = "Whether the schedules fire."
  type        = bool
  nullable    = false
}

variable "bus_arn" {
  description = "ARN of the bus that a start is published on."
  type        = string
  nullable    = false
}

variable "watchdog_arn" {
  description = "ARN of the monitor's alias."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex(":function:[^:]+:[^:]+$", var.watchdog_arn))
    error_message = "watchdog_arn must be the ARN of an alias: the function's own would run whatever was uploaded last."
  }
}

variable "dead_letters_arn" {
  description = "ARN of the queue for starts that could not be published."
  type        = string
  nullable    = false
}
