variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false
}

variable "functions" {
  description = "Functions by their business name."
  type        = map(object({ function_name = string, rule_name = string }))
  nullable    = false
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
