variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false
}

variable "enabled" {
  description = "Whether to observe at all; the topic of the digest is made in any case, as the monitor writes to it."
  type        = bool
  default     = true
  nullable    = false
}

variable "bus" {
  description = "Bus whose events are observed."
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "dead_letters_arn" {
  description = "ARN of the dead letter queue of targets that are not functions."
  type        = string
  nullable    = false
}

variable "dead_letters_name" {
  description = "Name of the dead letter queue of targets that are not functions."
  type        = string
  nullable    = false
}

variable "watched" {
  description = "Whether a rebalance is due each trading day: only then can one be overdue."
  type        = bool
  nullable    = false
}

variable "runbook" {
  description = "Address of the folder with a page for each alarm."
  type        = string
  nullable    = false
}

variable "rules_off" {
  description = "Names of the rules that an operator has switched off."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that the event log group keeps its lines."
  type        = number
  nullable    = false
}

variable "notification_email" {
  description = "Address that gets the digest of each run; null subscribes nobody."
  type        = string
  default     = null
}
