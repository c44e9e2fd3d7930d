package dynamodb

import (
	"strings"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// TableDescription is what DynamoDB tells about a table.
type TableDescription struct {
	TableName                 string
	TableArn                  string
	TableID                   string `json:"TableId"`
	TableStatus               string
	CreationDateTime          wire.Time
	KeySchema                 []KeyElement
	AttributeDefinitions      []Definition
	BillingModeSummary        *billingSummary `json:",omitempty"`
	ProvisionedThroughput     throughputSummary
	WarmThroughput            *warmThroughput `json:",omitempty"`
	SSEDescription            *sseSummary     `json:",omitempty"`
	TableClassSummary         *classSummary   `json:",omitempty"`
	DeletionProtectionEnabled bool
	ItemCount                 int64
	TableSizeBytes            int64
}

type (
	billingSummary struct {
		BillingMode                       string
		LastUpdateToPayPerRequestDateTime *wire.Time `json:",omitempty"`
	}
	throughputSummary struct {
		Throughput
		NumberOfDecreasesToday int64
	}
	warmThroughput struct {
		Warmth
		Status string
	}
	sseSummary struct {
		Status, SSEType string
		KMSMasterKeyArn string `json:",omitempty"`
	}
	classSummary struct{ TableClass string }
)

// describe tells about the table, without the count of its items.
func (r record) describe(status string) TableDescription {
	d := TableDescription{
		TableName: r.Name, TableArn: r.arn(), TableID: r.ID, TableStatus: status,
		CreationDateTime: wire.Time{Time: r.Created}, KeySchema: r.Keys, AttributeDefinitions: r.Attributes,
		ProvisionedThroughput: throughputSummary{Throughput: r.Throughput}, DeletionProtectionEnabled: r.Protected,
		WarmThroughput: r.warmth("ACTIVE"),
	}
	if r.OnDemand {
		d.BillingModeSummary = &billingSummary{
			BillingMode: "PAY_PER_REQUEST", LastUpdateToPayPerRequestDateTime: &wire.Time{Time: r.Created},
		}
	}
	if r.SSE.Enabled {
		d.SSEDescription = r.SSE.describe("ENABLED")
	}
	if r.Class != "" {
		d.TableClassSummary = &classSummary{r.Class}
	}
	return d
}

// describeNew tells about the table as CreateTable does: what AWS finds out later is not there.
func (r record) describeNew() TableDescription {
	d := r.describe("CREATING")
	d.WarmThroughput = nil
	if r.Warm != nil {
		d.WarmThroughput = r.warmth("UPDATING")
	}
	if r.OnDemand {
		d.BillingModeSummary = &billingSummary{BillingMode: "PAY_PER_REQUEST"}
	}
	return d
}

// warmth is what the table can serve at once: what was asked for, or what AWS gives.
func (r record) warmth(status string) *warmThroughput {
	switch {
	case r.Warm != nil:
		return &warmThroughput{*r.Warm, status}
	case r.OnDemand:
		return &warmThroughput{Warmth{ReadUnitsPerSecond: 12000, WriteUnitsPerSecond: 4000}, status}
	}
	return &warmThroughput{Warmth{r.Throughput.ReadCapacityUnits, r.Throughput.WriteCapacityUnits}, status}
}

// describe names the key: that of the account for DynamoDB if none was given.
func (s SSE) describe(status string) *sseSummary {
	key := s.KMSMasterKeyID
	if key == "" {
		key = uuid.NewSHA1(uuid.NameSpaceURL, []byte("alias/aws/dynamodb")).String()
	}
	if !strings.HasPrefix(key, "arn:") {
		key = arn.New("kms", "key/"+key)
	}
	return &sseSummary{Status: status, SSEType: "KMS", KMSMasterKeyArn: key}
}
