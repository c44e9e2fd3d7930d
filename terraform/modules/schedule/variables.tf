variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false
}

variable "portfolio_id" {
  description = "Portfolio that the schedules start."
  type        = string
  nullable    = false
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
}

variable "dead_letters_arn" {
  description = "ARN of the queue for starts that could not be published."
  type        = string
  nullable    = false
}
