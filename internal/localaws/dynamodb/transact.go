package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Limits of a transaction. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
const (
	maxActions       = 100
	maxTransaction   = 4 << 20
	tokenLife        = 10 * time.Minute
	txMultipleOnItem = "Transaction request cannot include multiple operations on one item"
)

// TransactWriteInput is up to a hundred actions that happen all or not at all.
type TransactWriteInput struct {
	TransactItems               []TransactWriteItem
	ClientRequestToken          string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// TransactWriteOutput tells what a transaction cost.
type TransactWriteOutput struct {
	ConsumedCapacity      []Consumed                  `json:",omitempty"`
	ItemCollectionMetrics map[string][]ItemCollection `json:",omitempty"`
}

// TransactWriteItem is one of four actions.
type TransactWriteItem struct {
	ConditionCheck *WriteInput
	Put            *WriteInput
	Update         *WriteInput
	Delete         *WriteInput
}

// action returns the one action of the item.
func (i TransactWriteItem) action() (v verb, in WriteInput, err error) {
	n := 0
	for each, given := range map[verb]*WriteInput{put: i.Put, update: i.Update, remove: i.Delete, check: i.ConditionCheck} {
		if given != nil {
			v, in = each, *given
			n++
		}
	}
	if n != 1 {
		return v, in, attr.Invalidf("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	if v == check && in.ConditionExpression == nil {
		return v, in, constraint("null", "transactItems.1.member.conditionCheck.conditionExpression", "not be null")
	}
	return v, in, nil
}

// token notes which request a ClientRequestToken came with.
type token struct {
	Request string
	At      time.Time
}

// CancellationReason tells of one action whether it is the reason.
type CancellationReason struct {
	Code    string
	Message string    `json:",omitempty"`
	Item    attr.Item `json:",omitempty"`
}

func (s *Service) transactWrite(_ context.Context, in TransactWriteInput) (out TransactWriteOutput, err error) {
	m, err := s.newMeter(in.ReturnConsumedCapacity)
	if err != nil {
		return out, err
	}
	if err := checkCollectionMetrics(in.ReturnItemCollectionMetrics); err != nil {
		return out, err
	}
	if err := checkLength(len(in.TransactItems), maxActions, "transactItems"); err != nil {
		return out, err
	}
	writes := make([]write, len(in.TransactItems))
	rows := make([]string, len(writes))
	for i, item := range in.TransactItems {
		v, action, err := item.action()
		if err != nil {
			return out, err
		}
		if writes[i], err = s.prepare(v, action); err != nil {
			return out, err
		}
		rows[i] = writes[i].row
	}
	if err := checkDistinct(rows); err != nil {
		return out, err
	}
	request, err := fingerprint(in.TransactItems)
	if err != nil {
		return out, err
	}
	locks := rows
	if in.ClientRequestToken != "" {
		locks = append(locks, "token "+in.ClientRequestToken)
	}
	defer s.lock(locks...)()
	if done, err := s.seen(in.ClientRequestToken, request); done || err != nil {
		return out, err
	}
	olds, nexts, err := s.outcomes(writes)
	if err != nil {
		return out, err
	}
	for i, w := range writes {
		m.write(w.table, olds[i], nexts[i], transactional)
	}
	out.ConsumedCapacity, out.ItemCollectionMetrics = m.list(), collections(writes, in.ReturnItemCollectionMetrics)
	return out, s.cfg.Store.Update(func(tx *state.Tx) error {
		for i, w := range writes {
			if w.verb != check && (olds[i] != nil || nexts[i] != nil) {
				s.replaceTx(tx, w.table, w.row, olds[i], nexts[i])
			}
		}
		if in.ClientRequestToken != "" {
			s.tokens.PutTx(tx, in.ClientRequestToken, token{request, s.cfg.Clock.Now()})
		}
		return nil
	})
}

// outcomes computes all writes; if one cannot be done it returns the cancellation with the reasons in order. The
// caller holds the locks.
func (s *Service) outcomes(writes []write) (olds, nexts []attr.Item, err error) {
	olds, nexts = make([]attr.Item, len(writes)), make([]attr.Item, len(writes))
	reasons := make([]CancellationReason, len(writes))
	cancelled, size := false, 0
	for i := range writes {
		w := &writes[i]
		if w.table, err = s.current(w.table); err != nil {
			return nil, nil, err
		}
		if olds[i], _, err = s.items.Get(w.row); err != nil {
			return nil, nil, err
		}
		nexts[i], err = w.outcome(olds[i])
		s.measureRefusal(w.table, err)
		size += nexts[i].Size()
		if reasons[i], err = reason(err); err != nil {
			return nil, nil, err
		}
		cancelled = cancelled || reasons[i].Code != "None"
	}
	if cancelled {
		return nil, nil, errCancelled(reasons)
	}
	if size > maxTransaction {
		return nil, nil, attr.Invalidf("Collection size of the items in the transaction exceeded the limit of 4 MB")
	}
	return olds, nexts, nil
}

// reason turns the outcome of one action into its entry in the list; other errors than refusals come back.
func reason(err error) (CancellationReason, error) {
	var failed *conditionError
	var refused *wire.Error
	switch {
	case err == nil:
		return CancellationReason{Code: "None"}, nil
	case errors.As(err, &failed):
		return CancellationReason{Code: "ConditionalCheckFailed", Message: failed.Error(), Item: failed.item}, nil
	case errors.As(err, &refused):
		return CancellationReason{Code: "ValidationError", Message: refused.Message}, nil
	}
	return CancellationReason{}, err
}

func errCancelled(reasons []CancellationReason) *wire.Error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	e := wire.Errorf("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.Members = map[string]any{"CancellationReasons": reasons}
	return e
}

// seen reports whether the token came with the same request in the last ten minutes. The caller holds its lock.
func (s *Service) seen(clientToken, request string) (bool, error) {
	if clientToken == "" {
		return false, nil
	}
	t, ok, err := s.tokens.Get(clientToken)
	if err != nil || !ok || s.cfg.Clock.Now().Sub(t.At) > tokenLife {
		return false, err
	}
	if t.Request != request {
		return false, wire.Errorf("IdempotentParameterMismatchException",
			"The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with "+
				"different requests, unless the requests are identical")
	}
	return true, nil
}

// forgetTokens deletes the tokens that no longer count.
func (s *Service) forgetTokens() error {
	defer s.lockAll()() // or a token that comes again at this moment is forgotten, too
	now := s.cfg.Clock.Now()
	return s.cfg.Store.Update(func(tx *state.Tx) error {
		return s.tokens.Scan("", "", func(key string, t token) bool {
			if now.Sub(t.At) > tokenLife {
				s.tokens.DeleteTx(tx, key)
			}
			return true
		})
	})
}

// fingerprint is the same for requests that differ in the order of members only.
func fingerprint(items []TransactWriteItem) (string, error) {
	raw, err := json.Marshal(items)
	if err != nil {
		return "", fmt.Errorf("fingerprint transaction: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

func checkDistinct(rows []string) error {
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row] {
			return attr.Invalidf(txMultipleOnItem)
		}
		seen[row] = true
	}
	return nil
}

// TransactGetInput is up to a hundred reads of one moment.
type TransactGetInput struct {
	TransactItems          []struct{ Get ReadInput }
	ReturnConsumedCapacity string
}

// TransactGetOutput answers in the order of the reads; an item that does not exist is an empty answer.
type TransactGetOutput struct {
	Responses        []GetOutput
	ConsumedCapacity []Consumed `json:",omitempty"`
}

func (s *Service) transactGet(_ context.Context, in TransactGetInput) (out TransactGetOutput, err error) {
	m, err := s.newMeter(in.ReturnConsumedCapacity)
	if err != nil {
		return out, err
	}
	if err := checkLength(len(in.TransactItems), maxActions, "transactItems"); err != nil {
		return out, err
	}
	gets := make([]get, len(in.TransactItems))
	rows := make([]string, len(gets))
	for i, item := range in.TransactItems {
		if gets[i], err = s.prepareGet(item.Get); err != nil {
			return out, err
		}
		rows[i] = gets[i].row
	}
	if err := checkDistinct(rows); err != nil {
		return out, err
	}
	defer s.lock(rows...)()
	out.Responses = make([]GetOutput, len(gets))
	for i, g := range gets {
		item, _, err := s.items.Get(g.row)
		if err != nil {
			return out, err
		}
		m.read(source{table: g.table}, item.Size(), transactional)
		out.Responses[i].Item = g.show(item)
	}
	out.ConsumedCapacity = m.list()
	return out, nil
}
