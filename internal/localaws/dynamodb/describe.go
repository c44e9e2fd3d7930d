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
	GlobalSecondaryIndexes    []*indexSummary `json:",omitempty"`
	LocalSecondaryIndexes     []*indexSummary `json:",omitempty"`
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
	indexSummary struct {
		IndexName, IndexArn       string
		KeySchema                 []KeyElement
		Projection                Projection
		ItemCount, IndexSizeBytes int64
		// What only global indexes have.
		IndexStatus           string             `json:",omitempty"`
		ProvisionedThroughput *throughputSummary `json:",omitempty"`
		WarmThroughput        *warmThroughput    `json:",omitempty"`
	}
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
	for _, x := range r.Indexes {
		summary := &indexSummary{IndexName: x.Name, IndexArn: x.arn(r), KeySchema: x.Keys, Projection: x.Projection}
		if !x.Global {
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, summary)
			continue
		}
		summary.IndexStatus = "ACTIVE"
		summary.ProvisionedThroughput = &throughputSummary{Throughput: x.Throughput}
		summary.WarmThroughput = warmth(x.Throughput, r.OnDemand)
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, summary)
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
	for _, x := range d.GlobalSecondaryIndexes {
		x.IndexStatus, x.WarmThroughput = "CREATING", nil
	}
	if r.OnDemand {
		d.BillingModeSummary = &billingSummary{BillingMode: "PAY_PER_REQUEST"}
	}
	return d
}

// warmth is what the table can serve at once: what was asked for, or what AWS gives.
func (r record) warmth(status string) *warmThroughput {
	if r.Warm != nil {
		return &warmThroughput{*r.Warm, status}
	}
	return warmth(r.Throughput, r.OnDemand)
}

// warmth is what AWS gives to a table or index.
func warmth(provisioned Throughput, onDemand bool) *warmThroughput {
	if onDemand {
		return &warmThroughput{Warmth{ReadUnitsPerSecond: 12000, WriteUnitsPerSecond: 4000}, "ACTIVE"}
	}
	return &warmThroughput{Warmth{provisioned.ReadCapacityUnits, provisioned.WriteCapacityUnits}, "ACTIVE"}
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
