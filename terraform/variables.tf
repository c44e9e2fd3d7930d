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

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "artifacts_dir" {
  description = "Folder with <processor>/<function>.zip as `make build` writes them."
  type        = string
  default     = "../build"
}

variable "portfolio_id" {
  description = "Portfolio that the daily schedules start."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{0,31}$", var.portfolio_id))
    error_message = "portfolio_id must be 1 to 32 characters of a-z, 0-9, '_' and '-'."
  }
}

variable "schedules_enabled" {
  description = "Whether the daily schedules fire. Off, a run starts only when somebody publishes WorkflowStarted."
  type        = bool
  default     = true
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
  description = "Trading API of the broker. The default is Alpaca's paper trading; live trading needs broker_allow_live as well."
  type        = string
  default     = "https://paper-api.alpaca.markets"

  validation {
    condition     = can(regex("^https?://[^/]+$", var.broker_base_url))
    error_message = "broker_base_url must be scheme and host without a path, such as https://paper-api.alpaca.markets."
  }
}

variable "broker_data_url" {
  description = "Market data API of the broker."
  type        = string
  default     = "https://data.alpaca.markets"

  validation {
    condition     = can(regex("^https?://[^/]+$", var.broker_data_url))
    error_message = "broker_data_url must be scheme and host without a path, such as https://data.alpaca.markets."
  }
}

variable "broker_allow_live" {
  description = "Whether orders may go to a live account. Both this and a live broker_base_url are needed."
  type        = bool
  default     = false
}

variable "cash_reserve" {
  description = "Fraction of equity that stays in cash, as a decimal string: \"0.01\" is 1 %."
  type        = string
  default     = "0.01"

  validation {
    condition     = can(regex("^0(\\.[0-9]{1,6})?$", var.cash_reserve))
    error_message = "cash_reserve must be a decimal from 0 to less than 1, such as \"0.01\"."
  }
}

variable "minimum_trade" {
  description = "Smallest trade in US dollars, as a decimal string."
  type        = string
  default     = "5"

  validation {
    condition     = can(regex("^([1-9][0-9]*(\\.[0-9]{1,2})?|0\\.(0[1-9]|[1-9][0-9]?))$", var.minimum_trade))
    error_message = "minimum_trade must be an amount above 0 in US dollars, such as \"5\" or \"2.50\"."
  }
}

variable "tolerance" {
  description = "Band around the targets within which nothing is traded, as a fraction of the portfolio: \"0.005\" is half a percentage point."
  type        = string
  default     = "0.005"

  validation {
    condition     = can(regex("^0(\\.[0-9]{1,6})?$", var.tolerance))
    error_message = "tolerance must be a decimal from 0 to less than 1, such as \"0.005\"."
  }
}

variable "max_turnover" {
  description = "Safety stop: the greatest part of the account that one plan may sell or buy, as a decimal string; a plan beyond it is not traded. With \"1\" everything may be replaced."
  type        = string
  default     = "1"

  validation {
    condition     = can(regex("^([1-9]|0\\.[0-9]{0,5}[1-9]|[1-9]\\.[0-9]{1,6})$", var.max_turnover))
    error_message = "max_turnover must be a decimal above 0, such as \"0.5\" or \"1\"."
  }
}

variable "max_order" {
  description = "Safety stop: the largest order in US dollars, as a decimal string; a plan with a larger one is not traded."
  type        = string
  default     = "250000"

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.max_order))
    error_message = "max_order must be an amount in whole US dollars, such as \"250000\"."
  }
}

variable "max_spread" {
  description = "The widest distance of bid and ask at which a symbol is traded, as a fraction of the price and a decimal string: \"0.05\" is 5 %."
  type        = string
  default     = "0.05"

  validation {
    condition     = can(regex("^0\\.[0-9]{0,5}[1-9]$", var.max_spread))
    error_message = "max_spread must be a decimal between 0 and 1, such as \"0.05\"."
  }
}

variable "limit_steps" {
  description = "Limit orders that a trade may take, from the middle of the spread to its far side, before it goes to the market."
  type        = number
  default     = 3

  validation {
    condition     = var.limit_steps >= 1 && var.limit_steps <= 9 && floor(var.limit_steps) == var.limit_steps
    error_message = "limit_steps must be a whole number from 1 to 9."
  }
}

variable "step_seconds" {
  description = "Seconds that a limit order is left working before the next step of its trade; a market order is left six times as long."
  type        = number
  default     = 10

  validation {
    condition     = var.step_seconds >= 1 && var.step_seconds <= 30 && floor(var.step_seconds) == var.step_seconds
    error_message = "step_seconds must be a whole number from 1 to 30: the steps of all trades must fit into the function's time and the end of the session."
  }
}

variable "close_margin_seconds" {
  description = "Seconds before the close of the exchange in which no order is submitted; what is open then is cancelled."
  type        = number
  default     = 30

  validation {
    condition     = var.close_margin_seconds >= 0 && var.close_margin_seconds <= 300 && floor(var.close_margin_seconds) == var.close_margin_seconds
    error_message = "close_margin_seconds must be a whole number from 0 to 300."
  }
}

variable "archive_retention_days" {
  description = "Days that the archive keeps every event."
  type        = number
  default     = 365

  validation {
    condition     = var.archive_retention_days >= 1
    error_message = "archive_retention_days must be at least 1: an archive that keeps for ever grows for ever."
  }
}

variable "log_retention_days" {
  description = "Days that the log groups keep their lines; one of the values that CloudWatch Logs takes."
  type        = number
  default     = 90
}

variable "observability" {
  description = "Whether to deploy what only watches: the log group of all events and the topic of trades for machines. Runs need none of it."
  type        = bool
  default     = true
  nullable    = false
}

variable "notification_email" {
  description = "Address that gets the digest of each run, and the alarms. Null: nobody is subscribed."
  type        = string
  default     = null
}

variable "runbook" {
  description = "Address of the folder with a page for each alarm; each alarm's description ends with its page."
  type        = string
  default     = "https://github.com/the-alchemiser/alchemiser/blob/main/docs/runbook"
  nullable    = false
}
