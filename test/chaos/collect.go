package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/test/chaos/invariants"
)

// collect adds what the bus has carried and what the state table holds to what was seen while the workflows ran.
func (k *soak) collect(ctx context.Context) (invariants.Snapshot, error) {
	s := invariants.Snapshot{Runs: k.runs, Letters: k.letters}
	for _, f := range k.functions {
		s.Functions = append(s.Functions, f.Function)
	}
	if err := k.passed(ctx, &s); err != nil {
		return s, err
	}
	archive, err := k.bus.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(archiveName)})
	if err != nil {
		return s, fmt.Errorf("describe the archive: %w", err)
	}
	s.Archived = int(archive.EventCount)
	return s, k.scan(ctx, &s)
}

// item is what is of interest in the items of the state table; which fields there are depends on the keys.
type item struct {
	PK            string          `dynamodbav:"pk"`
	SK            string          `dynamodbav:"sk"`
	Function      string          `dynamodbav:"function"`
	EventID       string          `dynamodbav:"event_id"`
	Status        consumer.Status `dynamodbav:"status"`
	Reason        string          `dynamodbav:"reason"`
	Attempts      map[string]int  `dynamodbav:"attempts"`
	DetailType    events.Type     `dynamodbav:"detail_type"`
	Detail        string          `dynamodbav:"detail"`
	CorrelationID string          `dynamodbav:"correlation_id"`
	ClientID      string          `dynamodbav:"client_order_id"`
	PlanID        string          `dynamodbav:"plan_id"`
	Symbol        string          `dynamodbav:"symbol"`
	Side          market.Side     `dynamodbav:"side"`
	Step          int             `dynamodbav:"step"`
	BrokerID      string          `dynamodbav:"broker_order_id"`
	State         string          `dynamodbav:"state"`
	Filled        decimal.Decimal `dynamodbav:"filled"`
	Quantity      decimal.Decimal `dynamodbav:"quantity"`
	Price         decimal.Decimal `dynamodbav:"price"`
	Entries       int             `dynamodbav:"entries"`
}

// scan reads the whole state table into s.
func (k *soak) scan(ctx context.Context, s *invariants.Snapshot) error {
	s.Claims, s.Ledger, s.Timeline = map[consumer.Key]invariants.Claim{}, map[string]invariants.LedgerOrder{}, map[string]invariants.Standing{}
	fills := map[string][]invariants.Fill{}
	pages := dynamodb.NewScanPaginator(k.dynamodb, &dynamodb.ScanInput{TableName: aws.String(tableName)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the state table: %w", err)
		}
		for _, raw := range page.Items {
			i, err := decode(raw)
			if err != nil {
				return err
			}
			kind, rest, _ := strings.Cut(i.PK, "#")
			switch {
			case kind == "CLAIM" && i.SK == "CLAIM":
				claim := invariants.Claim{Status: i.Status, Reason: i.Reason}
				for _, n := range i.Attempts {
					claim.Attempts += n
				}
				s.Claims[consumer.Key{Function: i.Function, EventID: i.EventID}] = claim
			case kind == "CLAIM":
				kept, err := keptOf(rest, i)
				if err != nil {
					return err
				}
				s.Outbox = append(s.Outbox, kept)
			case kind == "ORDER" && i.SK == "ORDER":
				s.Ledger[i.ClientID] = invariants.LedgerOrder{
					CorrelationID: i.CorrelationID, PlanID: i.PlanID, Symbol: i.Symbol, Side: i.Side, Step: i.Step,
					BrokerID: i.BrokerID, Final: execution.State(i.State).Final(), Filled: i.Filled,
				}
			case kind == "ORDER":
				fills[i.ClientID] = append(fills[i.ClientID], invariants.Fill{Quantity: i.Quantity, Price: i.Price})
			case kind == "DAY":
				s.Timeline[i.CorrelationID] = invariants.Standing{State: monitor.State(i.State), Entries: i.Entries}
			}
		}
	}
	for id, parts := range fills {
		o := s.Ledger[id]
		o.Fills = parts
		s.Ledger[id] = o
	}
	return nil
}

func decode(raw map[string]types.AttributeValue) (i item, err error) {
	err = attributevalue.UnmarshalMapWithOptions(raw, &i, func(o *attributevalue.DecoderOptions) { o.UseEncodingUnmarshalers = true })
	if err != nil {
		return i, fmt.Errorf("read an item of the state table: %w", err)
	}
	return i, nil
}

// keptOf reads an outbox item that stands beside the claim of "function#event".
func keptOf(claim string, i item) (invariants.Kept, error) {
	function, event, _ := strings.Cut(claim, "#")
	var detail struct {
		EventID string `json:"event_id"`
	}
	if err := json.Unmarshal([]byte(i.Detail), &detail); err != nil {
		return invariants.Kept{}, fmt.Errorf("read %s|%s: %w", i.PK, i.SK, err)
	}
	return invariants.Kept{By: consumer.Key{Function: function, EventID: event}, ID: detail.EventID, Type: i.DetailType}, nil
}

// passed reads the event log into s, the events of replays apart.
func (k *soak) passed(ctx context.Context, s *invariants.Snapshot) error {
	seen := map[string]bool{}
	s.Replay.Events = map[string]bool{}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(k.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/events/alchemiser-" + stage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the event log: %w", err)
		}
		for _, line := range page.Events {
			var envelope struct {
				DetailType string         `json:"detail-type"`
				Replay     string         `json:"replay-name"`
				Detail     jsontext.Value `json:"detail"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(line.Message)), &envelope); err != nil {
				return fmt.Errorf("read the event log: %w", err)
			}
			e, err := events.Decode(envelope.DetailType, envelope.Detail)
			if err != nil {
				return fmt.Errorf("read the event log: %w", err)
			}
			switch {
			case envelope.Replay != "":
				s.Replay.Events[e.ID] = true
				continue
			case !seen[e.ID]:
				s.Events = append(s.Events, e)
			}
			seen[e.ID] = true
			s.Logged++
		}
	}
	return nil
}

// killed counts the processes of a function that were killed, by Lambda's own word.
func (k *soak) killed(ctx context.Context, function string) (n int, err error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(k.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName:  aws.String("/aws/lambda/alchemiser-" + function + "-" + stage),
		FilterPattern: aws.String(`"signal: killed"`),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("read the log of %s: %w", function, err)
		}
		n += len(page.Events)
	}
	return n, nil
}
