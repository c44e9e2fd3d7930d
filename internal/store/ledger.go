package store

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

type orderItem struct {
	primary
	ClientID      string              `dynamodbav:"client_order_id"`
	Symbol        string              `dynamodbav:"symbol"`
	Side          market.Side         `dynamodbav:"side"`
	Type          execution.OrderType `dynamodbav:"type"`
	Quantity      decimal.Decimal     `dynamodbav:"quantity"`
	Limit         decimal.Decimal     `dynamodbav:"limit"`
	BrokerID      string              `dynamodbav:"broker_order_id"`
	State         execution.State     `dynamodbav:"state"`
	Filled        decimal.Decimal     `dynamodbav:"filled"`
	AveragePrice  decimal.Decimal     `dynamodbav:"average_price"`
	Reason        string              `dynamodbav:"reason"`
	SubmittedAt   time.Time           `dynamodbav:"submitted_at"`
	FinishedAt    time.Time           `dynamodbav:"finished_at"`
	PlanID        string              `dynamodbav:"plan_id"`
	AccountID     string              `dynamodbav:"account_id"`
	PortfolioID   string              `dynamodbav:"portfolio_id"`
	TradingDate   market.Date         `dynamodbav:"trading_date"`
	CorrelationID string              `dynamodbav:"correlation_id"`
	Step          int                 `dynamodbav:"step"`
	ArrivalPrice  decimal.Decimal     `dynamodbav:"arrival_price"`
	Fills         int                 `dynamodbav:"fills"`
	Cause         execution.Cause     `dynamodbav:"cause"`
	// Knowledge and Final are what a write is conditional on: Filled as a number, and whether State is final.
	Knowledge attributevalue.Number `dynamodbav:"knowledge"`
	Final     bool                  `dynamodbav:"final"`
}

type fillItem struct {
	primary
	ClientID string          `dynamodbav:"client_order_id"`
	Number   int             `dynamodbav:"number"`
	Quantity decimal.Decimal `dynamodbav:"quantity"`
	Price    decimal.Decimal `dynamodbav:"price"`
	At       time.Time       `dynamodbav:"at"`
}

func orderPrimary(clientID string) primary { return primary{PK: join("ORDER", clientID), SK: "ORDER"} }

func newOrderItem(o execution.Order) orderItem {
	return orderItem{
		primary: orderPrimary(o.ClientID), ClientID: o.ClientID, Symbol: o.Symbol, Side: o.Side, Type: o.Type,
		Quantity: o.Quantity, Limit: o.Limit, BrokerID: o.BrokerID, State: o.State, Filled: o.Filled,
		AveragePrice: o.AveragePrice, Reason: o.Reason, SubmittedAt: o.SubmittedAt.UTC(), FinishedAt: o.FinishedAt.UTC(),
		PlanID: o.PlanID, AccountID: o.AccountID, PortfolioID: o.PortfolioID, TradingDate: o.TradingDate,
		CorrelationID: o.CorrelationID, Step: o.Step, ArrivalPrice: o.ArrivalPrice, Fills: o.Fills,
		Cause: o.Cause, Knowledge: attributevalue.Number(o.Filled.String()), Final: o.State.Final(),
	}
}

func (i orderItem) order() execution.Order {
	return execution.Order{
		OrderRequest: execution.OrderRequest{
			ClientID: i.ClientID, Symbol: i.Symbol, Side: i.Side, Type: i.Type,
			Quantity: i.Quantity, Limit: i.Limit,
		},
		BrokerID: i.BrokerID, State: i.State, Filled: i.Filled, AveragePrice: i.AveragePrice, Reason: i.Reason,
		SubmittedAt: i.SubmittedAt, FinishedAt: i.FinishedAt, PlanID: i.PlanID, AccountID: i.AccountID, PortfolioID: i.PortfolioID,
		TradingDate: i.TradingDate, CorrelationID: i.CorrelationID, Step: i.Step, ArrivalPrice: i.ArrivalPrice,
		Fills: i.Fills, Cause: i.Cause,
	}
}

// PutOrder implements execution.Ledger. With fills it is one transaction of the order's conditional write and the fills.
func (s *Store) PutOrder(ctx context.Context, o execution.Order, fresh ...execution.Fill) error {
	next := newOrderItem(o)
	fills := make([]attributes, len(fresh))
	for i, f := range fresh {
		var err error
		if fills[i], err = encode(newFillItem(f)); err != nil {
			return err
		}
	}
	done, stored, err := put(ctx, s, next.primary, next, next.notBehind(), fills...)
	switch {
	case err != nil || done:
		return err
	case stored == nil:
		return vanished(next.primary)
	}
	return fault.New(fault.Transient, "order %s is %s with %s filled, which is ahead of %s with %s: another attempt is trading it",
		o.ClientID, stored.State, stored.Filled, next.State, next.Filled)
}

// notBehind holds if the stored order, if there is one, knows no more than i: no larger quantity is filled, and it is not
// final while i is open.
func (i orderItem) notBehind() condition {
	c := condition{
		expression: "attribute_not_exists(pk) OR #knowledge <= :knowledge",
		names:      map[string]string{"#knowledge": "knowledge"},
		values:     attributes{":knowledge": &types.AttributeValueMemberN{Value: string(i.Knowledge)}},
	}
	if !i.Final {
		c.expression += " AND #final = :open"
		c.names["#final"], c.values[":open"] = "final", &types.AttributeValueMemberBOOL{Value: false}
	}
	return c
}

func newFillItem(f execution.Fill) fillItem {
	return fillItem{
		primary:  primary{PK: orderPrimary(f.ClientID).PK, SK: "FILL#" + strconv.Itoa(f.Number)},
		ClientID: f.ClientID, Number: f.Number, Quantity: f.Quantity, Price: f.Price, At: f.At.UTC(),
	}
}

// Order implements execution.Ledger.
func (s *Store) Order(ctx context.Context, clientID string) (o execution.Order, found bool, err error) {
	item, found, err := get[orderItem](ctx, s, orderPrimary(clientID))
	return item.order(), found, err
}
