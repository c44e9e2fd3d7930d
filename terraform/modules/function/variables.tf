variable "name" {
  description = "Business name of the function, such as execution; part of every name."
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

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "architecture" {
  description = "Processor that the zip was built for, as Lambda names it."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "zip" {
  description = "Path of the zip with `bootstrap`."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists(var.zip)
    error_message = "zip names no file: build it first (`make build`, ARCH=arm64 to deploy)."
  }
}

variable "memory_mb" {
  description = "Memory in MiB; the processor share grows with it."
  type        = number
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number from 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "Longest duration of one attempt in seconds."
  type        = number
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number from 1 to 900."
  }
}

variable "smoke" {
  description = "Whether a new version must answer the smoke event before events come to it."
  type        = bool
  default     = true
  nullable    = false
}

variable "environment" {
  description = "Environment variables; DLQ__URL is added."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", name)) && !startswith(name, "AWS_") && name != "DLQ__URL"])
    error_message = "environment must not set DLQ__URL, which is added, nor names that Lambda keeps for itself (AWS_…), and a name is of letters, digits and _."
  }
}

variable "rule_enabled" {
  description = "Whether the rule brings events to the function. Events that pass while it does not are in the archive only."
  type        = bool
  default     = true
  nullable    = false
}

variable "rule_name" {
  description = "Name of the rule that selects the function's events."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z_.-]{1,64}$", var.rule_name))
    error_message = "rule_name must be 1 to 64 characters of letters, digits, '_', '.' and '-'."
  }
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

  validation {
    condition     = alltrue([for s in var.statements : can(regex("^[A-Za-z0-9]+$", s.sid)) && !contains(["Logs", "Traces", "DeadLetters"], s.sid)]) && length(distinct(var.statements[*].sid)) == length(var.statements)
    error_message = "statements must each have an sid of their own, of letters and digits; Logs, Traces and DeadLetters are taken."
  }
}

variable "log_retention_days" {
  description = "Days that the log group keeps its lines."
  type        = number
  nullable    = false

  # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the numbers of days that CloudWatch Logs takes, such as 30, 90 or 365."
  }
}

variable "alarms" {
  description = "Topic that alarms go to, and the address of the runbook's folder; null makes no alarms."
  type        = object({ topic_arn = string, runbook = string })
  default     = null
}

variable "key_arn" {
  description = "ARN of a key of KMS that encrypts the environment, the queue and the log group; null leaves it to keys of AWS."
  type        = string
  default     = null
}

variable "release" {
  description = "Whether `live` goes to the newest version even if a rollback holds the function."
  type        = bool
  default     = false
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Concurrent executions that the function has for itself, and no more; null shares those of the account. An account has to leave 100 unreserved, so that a new one, with 10, can reserve none."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency, false)
    error_message = "reserved_concurrency must be a whole number from 1: with 0 every event would be a dead letter; `alchemiser rules disable` stops a function."
  }
}

variable "code_signing_config_arn" {
  description = "ARN of a code signing configuration: Lambda then takes only zips that its signers have signed. Null takes any."
  type        = string
  default     = null
}
