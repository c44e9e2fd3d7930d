variable "name" {
  description = "Business name of the function: strategy, portfolio, execution or monitor."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.name))
    error_message = "name must be 2 to 20 characters of a-z and 0-9, and begin with a letter."
  }
}

variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false
}

variable "architecture" {
  description = "Processor that the zip was built for, as Lambda names it."
  type        = string
  nullable    = false
}

variable "zip" {
  description = "Path of the zip with `bootstrap`."
  type        = string
  nullable    = false
}

variable "memory_mb" {
  description = "Memory in MiB; the processor share grows with it."
  type        = number
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb must be from 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "Longest duration of one attempt in seconds."
  type        = number
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "timeout_seconds must be from 1 to 900."
  }
}

variable "environment" {
  description = "Environment variables; DLQ__URL is added."
  type        = map(string)
  nullable    = false
}

variable "rule_enabled" {
  description = "Whether the rule brings events to the function. Events that pass while it does not are in the archive only."
  type        = bool
  default     = true
}

variable "rule_name" {
  description = "Name of the rule that selects the function's events."
  type        = string
  nullable    = false
}

variable "event_pattern" {
  description = "Event pattern of the rule, as JSON. It must select a source: an empty pattern would match the whole bus."
  type        = string
  nullable    = false

  validation {
    condition     = try(length(jsondecode(var.event_pattern).source) > 0, false)
    error_message = "event_pattern must be JSON and name a source."
  }
}

variable "bus" {
  description = "Bus that the rule is on."
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "statements" {
  description = "What the function may do besides writing its logs, traces and dead letters."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
  }))
  nullable = false

  validation {
    condition     = alltrue([for s in var.statements : !contains(s.resources, "*") && alltrue([for a in s.actions : !strcontains(a, "*")])])
    error_message = "statements must name their actions and resources: no *."
  }
}

variable "log_retention_days" {
  description = "Days that the log group keeps its lines."
  type        = number
  nullable    = false
}

variable "alarms" {
  description = "Topic that alarms go to, and the address of the runbook's folder; null makes no alarms."
  type        = object({ topic_arn = string, runbook = string })
  default     = null
}
