# Production: a live account, traded unattended. Copy it to terraform/prod.tfvars, put your own values in, and keep it in your
# repository: it holds no secret. Broker keys are stored outside of Terraform (docs/decisions/0004).
stage = "prod"

# Credentials of any other account are refused.
account_id = "123456789012"

# Real money asks for both, and for everything below that it may not do without: docs/decisions/0020.
broker_base_url   = "https://api.alpaca.markets"
broker_allow_live = true

# A plan beyond these is not traded, and somebody is told. An order of a tenth of the account, half of the account a day, and one
# per cent between bid and ask are a beginning for an account of $100,000.
limits = {
  max_order    = "10000"
  max_turnover = "0.5"
  max_spread   = "0.01"
}

# How plans are made: what stays in cash, what is too small to trade, and the band in which nothing is traded.
cash_reserve  = "0.02"
minimum_trade = "25"
tolerance     = "0.005"

# How plans are traded: three limit orders of 10 s each, then the market; nothing in the last minute.
limit_steps          = 3
step_seconds         = 10
close_margin_seconds = 60

# Who hears of it: the digest of each run, and the alarms. Both subscriptions must be confirmed.
notification_email = "desk@example.com"

# How long it can be looked up.
archive_retention_days = 3653
log_retention_days     = 365

# Whose key encrypts what is kept: one of your own, about a dollar a month, that says who may use it.
customer_key = true
