variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
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

variable "event_log_rule" {
  description = "Name of the rule that brings every event to the log group."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that the event log group keeps its lines."
  type        = number
  nullable    = false

  # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the numbers of days that CloudWatch Logs takes, such as 30, 90 or 365."
  }
}

variable "notification_email" {
  description = "Address that gets the digest of each run; null subscribes nobody."
  type        = string
  default     = null

  validation {
    condition     = var.notification_email == null || can(regex("^[^@ ]+@[^@ ]+$", var.notification_email))
    error_message = "notification_email must be one e-mail address, such as desk@example.com."
  }
}

variable "key_arn" {
  description = "ARN of a key of KMS that encrypts topics and the log group; null leaves it to keys of AWS."
  type        = string
  default     = null
}
