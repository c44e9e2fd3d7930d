variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "functions" {
  description = "Functions by their business name."
  type        = map(object({ function_name = string, rule_name = string }))
  nullable    = false

  validation {
    condition     = alltrue([for name in ["strategy", "portfolio", "execution", "monitor"] : contains(keys(var.functions), name)])
    error_message = "functions must name strategy, portfolio, execution and monitor."
  }
}

variable "queues" {
  description = "Names of the dead letter queues, by what they are called on the dashboard."
  type        = map(string)
  nullable    = false
}

variable "alarms" {
  description = "ARNs of the alarms whose state is shown."
  type        = list(string)
  nullable    = false
}

variable "event_log" {
  description = "Log group that holds every event."
  type        = string
  nullable    = false
}

variable "runbook" {
  description = "Address of the runbook's folder."
  type        = string
  nullable    = false
}
