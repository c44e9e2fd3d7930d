package events

import (
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Run identifies the day's run that an event belongs to and the session that it trades in.
type Run struct {
	// PortfolioID is the portfolio that is run.
	PortfolioID string `json:"portfolio_id" jsonschema:"minLength=1"`
	// AccountID is the broker's account that trades.
	AccountID string `json:"account_id" jsonschema:"minLength=1"`
	// TradingDate is the day of the session, in the exchange's time zone.
	TradingDate market.Date `json:"trading_date"`
	// SessionClose is the moment after which nothing of this run may trade.
	SessionClose time.Time `json:"session_close"`
}

func (r Run) validate(in place) {
	in.text("portfolio_id", r.PortfolioID)
	in.text("account_id", r.AccountID)
	in.date("trading_date", r.TradingDate)
	in.moment("session_close", r.SessionClose)
}
