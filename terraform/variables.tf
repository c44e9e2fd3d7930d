variable "stage" {
  description = "Name of this deployment; it is part of every resource's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.stage))
    error_message = "stage must be 2 to 16 characters of a-z, 0-9 and '-', and begin with a letter."
  }
}

variable "account_id" {
  description = "If set, the only AWS account that this deployment may touch. Set it for every real account."
  type        = string
  default     = null

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "architecture" {
  description = "Processor of the functions: arm64 to deploy, the host's for local runs. It also selects the zips."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "artifacts_dir" {
  description = "Folder with `<processor>/<function>.zip` as `make build` writes them."
  type        = string
  default     = "../build"
  nullable    = false
}

variable "customer_key" {
  description = "Whether a key of your own encrypts what the stage keeps, instead of keys of AWS: about a dollar a month, and what its use costs. The archive of events stays with AWS's key, as its attribute needs a later provider."
  type        = bool
  default     = false
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the table with the ledger refuses to be deleted. Set it for every account that trades real money; before a destroy it has to be set back and applied."
  type        = bool
  default     = false
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Concurrent executions that functions have for themselves, by function: { execution = 5 }. An account has to leave 100 unreserved: small ones can reserve none."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.reserved_concurrency), ["strategy", "portfolio", "execution", "monitor"])) == 0
    error_message = "reserved_concurrency knows strategy, portfolio, execution and monitor."
  }
}

variable "code_signing_config_arn" {
  description = "ARN of a code signing configuration of Lambda: only zips that its signers have signed are taken. Null takes any."
  type        = string
  default     = null

  validation {
    condition     = var.code_signing_config_arn == null || can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:csc-", var.code_signing_config_arn))
    error_message = "code_signing_config_arn must be the ARN of a code signing configuration."
  }
}

variable "smoke" {
  description = "Whether each new version of a function must answer a smoke event (events, state, bus, broker) before events come to it. It needs the broker's keys to be stored."
  type        = bool
  default     = true
  nullable    = false
}

variable "release" {
  description = "Function that goes to its newest version in this apply even if a rollback holds it. `alchemiser deploy` sets it; empty means none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = contains(["", "strategy", "portfolio", "execution", "monitor"], var.release)
    error_message = "release must be strategy, portfolio, execution or monitor, or empty."
  }
}

variable "portfolio_id" {
  description = "Portfolio that the daily schedules start."
  type        = string
  default     = "main"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{0,31}$", var.portfolio_id))
    error_message = "portfolio_id must be 1 to 32 characters of a-z, 0-9, '_' and '-'."
  }
}

variable "schedules_enabled" {
  description = "Whether the daily schedules fire. Off, a run starts only when somebody publishes WorkflowStarted."
  type        = bool
  default     = true
  nullable    = false
}

variable "mode" {
  description = "Who handles events. live: the functions. shadow: `alchemiser run --mode dual`, and the functions only record what comes to them; the schedules are off. hosted: `alchemiser run --mode eventbridge` by a queue; the rules of strategy, portfolio and execution are off."
  type        = string
  default     = "live"
  nullable    = false

  validation {
    condition     = contains(["live", "shadow", "hosted"], var.mode)
    error_message = "mode must be live, shadow or hosted."
  }
}

variable "broker_base_url" {
  description = "Trading API of the broker. The default is Alpaca's paper trading. Its live API needs broker_allow_live, account_id, limits and notification_email as well."
  type        = string
  default     = "https://paper-api.alpaca.markets"
  nullable    = false

  validation {
    condition     = can(regex("^https?://[^/?#@ ]+$", var.broker_base_url))
    error_message = "broker_base_url must be scheme and host without a path, such as https://paper-api.alpaca.markets."
  }

  # Written as it is here and in no other way, so that nothing but this very text can mean real money.
  validation {
    condition     = !strcontains(lower(var.broker_base_url), "alpaca.markets") || contains(["https://paper-api.alpaca.markets", "https://api.alpaca.markets"], var.broker_base_url)
    error_message = "Alpaca's trading APIs are https://paper-api.alpaca.markets and, with real money, https://api.alpaca.markets."
  }
}

variable "broker_data_url" {
  description = "Market data API of the broker."
  type        = string
  default     = "https://data.alpaca.markets"
  nullable    = false

  validation {
    condition     = can(regex("^https?://[^/?#@ ]+$", var.broker_data_url))
    error_message = "broker_data_url must be scheme and host without a path, such as https://data.alpaca.markets."
  }

  validation {
    condition     = !strcontains(lower(var.broker_data_url), "alpaca.markets") || contains(["https://data.alpaca.markets", "https://data.sandbox.alpaca.markets"], var.broker_data_url)
    error_message = "Alpaca's market data API is https://data.alpaca.markets, its sandbox https://data.sandbox.alpaca.markets."
  }
}

variable "broker_allow_live" {
  description = "Whether orders may go to a live account. True with Alpaca's live API as broker_base_url, false with any other."
  type        = bool
  default     = false
  nullable    = false
}

variable "limits" {
  description = <<-EOT
    Safety stops, all of them or none, as decimal strings: a plan beyond them is not traded. A live account has no defaults;
    null means "250000", "1" and "0.05" elsewhere.
    max_order: the largest order, in whole US dollars.
    max_turnover: the greatest part of the account that one plan may sell or buy; with "1" everything may be replaced.
    max_spread: the widest distance of bid and ask at which a symbol is traded, as a fraction of the price.
  EOT
  type = object({
    max_order    = string
    max_turnover = string
    max_spread   = string
  })
  default = null

  validation {
    condition     = var.limits == null || can(regex("^[1-9][0-9]*$", var.limits.max_order))
    error_message = "limits.max_order must be an amount in whole US dollars, such as \"250000\"."
  }

  validation {
    condition     = var.limits == null || try(can(regex("^[01](\\.[0-9]{1,6})?$", var.limits.max_turnover)) && tonumber(var.limits.max_turnover) > 0 && tonumber(var.limits.max_turnover) <= 1, false)
    error_message = "limits.max_turnover is a part of the account: it must be above \"0\" and at most \"1\", such as \"0.5\" for half of it."
  }

  validation {
    condition     = var.limits == null || try(can(regex("^0\\.[0-9]{1,6}$", var.limits.max_spread)) && tonumber(var.limits.max_spread) > 0, false)
    error_message = "limits.max_spread is a fraction of the price: it must be above \"0\" and below \"1\", such as \"0.05\" for 5 %."
  }
}

variable "cash_reserve" {
  description = "Fraction of equity that stays in cash, as a decimal string: \"0.01\" is 1 %."
  type        = string
  default     = "0.01"
  nullable    = false

  validation {
    condition     = can(regex("^0(\\.[0-9]{1,6})?$", var.cash_reserve))
    error_message = "cash_reserve must be a decimal from 0 to less than 1, such as \"0.01\"."
  }
}

variable "minimum_trade" {
  description = "Smallest trade in US dollars, as a decimal string."
  type        = string
  default     = "5"
  nullable    = false

  validation {
    condition     = can(regex("^([1-9][0-9]*(\\.[0-9]{1,2})?|0\\.(0[1-9]|[1-9][0-9]?))$", var.minimum_trade))
    error_message = "minimum_trade must be an amount above 0 in US dollars, such as \"5\" or \"2.50\"."
  }
}

variable "tolerance" {
  description = "Band around the targets within which nothing is traded, as a fraction of the portfolio: \"0.005\" is half a percentage point."
  type        = string
  default     = "0.005"
  nullable    = false

  validation {
    condition     = can(regex("^0(\\.[0-9]{1,6})?$", var.tolerance))
    error_message = "tolerance must be a decimal from 0 to less than 1, such as \"0.005\"."
  }
}

variable "limit_steps" {
  description = "Limit orders that a trade may take, from the middle of the spread to its far side, before it goes to the market."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.limit_steps >= 1 && var.limit_steps <= 9 && floor(var.limit_steps) == var.limit_steps
    error_message = "limit_steps must be a whole number from 1 to 9."
  }
}

variable "step_seconds" {
  description = "Seconds that a limit order is left working before the next step of its trade; a market order is left six times as long."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.step_seconds >= 1 && var.step_seconds <= 30 && floor(var.step_seconds) == var.step_seconds
    error_message = "step_seconds must be a whole number from 1 to 30."
  }
}

variable "close_margin_seconds" {
  description = "Seconds before the close of the exchange in which no order is submitted; what is open then is cancelled."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.close_margin_seconds >= 0 && var.close_margin_seconds <= 300 && floor(var.close_margin_seconds) == var.close_margin_seconds
    error_message = "close_margin_seconds must be a whole number from 0 to 300."
  }
}

variable "archive_retention_days" {
  description = "Days that the archive keeps every event."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.archive_retention_days >= 1 && floor(var.archive_retention_days) == var.archive_retention_days
    error_message = "archive_retention_days must be a whole number from 1: an archive that keeps for ever grows for ever."
  }
}

variable "log_retention_days" {
  description = "Days that the log groups keep their lines; one of the values that CloudWatch Logs takes."
  type        = number
  default     = 90
  nullable    = false

  # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653."
  }
}

variable "observability" {
  description = "Whether to deploy what only watches: the log group of all events and the topic of trades for machines. Runs need none of it."
  type        = bool
  default     = true
  nullable    = false
}

variable "notification_email" {
  description = "Address that gets the digest of each run, and the alarms. Null subscribes nobody; a live account needs one."
  type        = string
  default     = null

  validation {
    condition     = var.notification_email == null || can(regex("^[^@ ]+@[^@ ]+$", var.notification_email))
    error_message = "notification_email must be one e-mail address, such as desk@example.com."
  }
}

variable "runbook" {
  description = "Address of the folder with a page for each alarm; each alarm's description ends with its page."
  type        = string
  default     = "https://github.com/the-alchemiser/alchemiser/blob/main/docs/runbook"
  nullable    = false

  validation {
    condition     = can(regex("^https://[^ ]+[^ /]$", var.runbook))
    error_message = "runbook must be an address that begins with https:// and does not end with a slash."
  }
}
