package dynamodb

import (
	"context"
	"errors"
	"strconv"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
)

// pageBytes is how much a query or scan reads at most. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
const pageBytes = 1 << 20

const maxSegments = 1_000_000

// PageOutput is a page of a query or scan.
type PageOutput struct {
	Items            *[]attr.Item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey attr.Item `json:",omitempty"`
	ConsumedCapacity *Consumed `json:",omitempty"`
}

// page collects the items of one page.
type page struct {
	from   source
	filter expr.Condition
	paths  []expr.Path
	limit  int
	meter  *meter
	size   int
	items  []attr.Item
	err    error
	out    PageOutput
}

// add takes the next item; it reports false when the page is full, or when p.err says why not to go on.
func (s *Service) add(p *page, item attr.Item) bool {
	if p.from.whole {
		row, err := p.from.table.row(item)
		ok := false
		if err == nil {
			item, ok, err = s.items.Get(row)
		}
		if err != nil || !ok {
			p.err = err
			return err == nil // it was deleted a moment ago
		}
	}
	p.size += item.Size()
	p.out.ScannedCount++
	if p.filter == nil || p.filter.Holds(item) {
		p.out.Count++
		shown := item
		if p.paths != nil {
			shown = expr.Project(item, p.paths)
		}
		p.items = append(p.items, shown)
	}
	if p.out.ScannedCount == p.limit || p.size >= pageBytes {
		p.out.LastEvaluatedKey = p.from.keyOf(item)
		return false
	}
	return true
}

func (p *page) output(in ReadInput) PageOutput {
	p.meter.read(p.from, p.size, readFactor(in.ConsistentRead))
	p.out.ConsumedCapacity = p.meter.one()
	if in.Select != "COUNT" {
		items := append([]attr.Item{}, p.items...)
		p.out.Items = &items
	}
	return p.out
}

// prepareScan checks what query and scan have in common. from is the row of the exclusive start key or "".
func (s *Service) prepareScan(in ReadInput) (p *page, key expr.KeyCondition, from string, err error) {
	p = &page{}
	if err := in.refuse(); err != nil {
		return p, key, "", err
	}
	if p.meter, err = s.newMeter(in.ReturnConsumedCapacity); err != nil {
		return p, key, "", err
	}
	if p.from, err = s.source(in.TableName, in.IndexName); err != nil {
		return p, key, "", err
	}
	if in.Limit != nil {
		if p.limit = *in.Limit; p.limit < 1 {
			return p, key, "", attr.Invalidf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
				"Member must have value greater than or equal to 1", p.limit)
		}
	}
	if err := checkSelect(in); err != nil {
		return p, key, "", err
	}
	if in.KeyConditionExpression == nil && in.FilterExpression == nil && in.ProjectionExpression == nil {
		if err := noPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues, "FilterExpression is null"); err != nil {
			return p, key, "", err
		}
	}
	env, err := expr.NewEnv(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return p, key, "", err
	}
	if in.KeyConditionExpression != nil {
		key, err = expr.ParseKeyCondition(*in.KeyConditionExpression, env, p.from.partition(), p.from.sort())
		if err != nil {
			return p, key, "", err
		}
	}
	if in.FilterExpression != nil {
		if p.filter, err = expr.ParseCondition(expr.FilterExpression, *in.FilterExpression, env); err != nil {
			return p, key, "", err
		}
		for _, path := range env.Mentioned(expr.FilterExpression) {
			if in.KeyConditionExpression != nil && isKey(p.from.keys, path[0].Name) {
				return p, key, "", attr.Invalidf("Filter Expression can only contain non-primary key attributes: "+
					"Primary key attribute: %s", path[0].Name)
			}
		}
	}
	if in.ProjectionExpression != nil {
		if p.paths, err = expr.ParseProjection(*in.ProjectionExpression, env); err != nil {
			return p, key, "", err
		}
	}
	if err := env.Unused(); err != nil {
		return p, key, "", err
	}
	if err := p.from.check(in, p.paths); err != nil {
		return p, key, "", err
	}
	if in.ExclusiveStartKey != nil {
		from, err = p.from.row(in.ExclusiveStartKey)
	}
	return p, key, from, err
}

func checkSelect(in ReadInput) error {
	switch in.Select {
	case "", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES":
	default:
		return attr.Invalidf("1 validation error detected: Value '%s' at 'select' failed to satisfy constraint: Member must satisfy "+
			"enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]", in.Select)
	}
	if in.ProjectionExpression != nil && in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES" {
		return attr.Invalidf("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	}
	if in.ProjectionExpression == nil && in.Select == "SPECIFIC_ATTRIBUTES" {
		return attr.Invalidf("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	}
	return nil
}

func (s *Service) query(_ context.Context, in ReadInput) (out PageOutput, err error) {
	p, key, from, err := s.prepareScan(in)
	if err != nil {
		return out, err
	}
	if in.KeyConditionExpression == nil {
		return out, attr.Invalidf("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := checkKeyTypes(p.from, key); err != nil {
		return out, err
	}
	partition := string(attr.AppendKey([]byte(p.from.prefix), key.Partition))
	if from != "" && (len(from) < len(partition) || from[:len(partition)] != partition) {
		return out, attr.Invalidf("The provided starting key is outside query boundaries based on provided conditions")
	}
	if from != "" && !key.Holds(in.ExclusiveStartKey[p.from.sort()]) {
		return out, attr.Invalidf("The provided starting key does not match the range key predicate")
	}
	// Rows are in order: past the wanted ones nothing more comes.
	take := func(_ string, item attr.Item) bool { return key.Holds(item[p.from.sort()]) && s.add(p, item) }
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		err = p.from.rows.Descend(partition, descendFrom(partition, key, from), take)
	} else {
		err = p.from.rows.Scan(partition, ascendFrom(partition, key, from), take)
	}
	return p.output(in), errors.Join(err, p.err)
}

// ascendFrom returns the first row that can satisfy the condition and is after the row from, if that is given. Many rows of
// an index may have the same sort key.
func ascendFrom(partition string, key expr.KeyCondition, from string) string {
	first := partition
	switch key.Operator {
	case "=", ">=", "BETWEEN":
		first = string(attr.AppendKey([]byte(partition), key.Low))
	case ">":
		first = past(attr.AppendKey([]byte(partition), key.Low))
	case "begins_with":
		first = string(attr.AppendKeyPrefix([]byte(partition), key.Low))
	}
	if from != "" {
		first = max(first, from+"\x00")
	}
	return first
}

// descendFrom returns a row before which, in descending order, the wanted ones come; "" for the end of the partition.
func descendFrom(partition string, key expr.KeyCondition, from string) string {
	last := ""
	switch key.Operator {
	case "<":
		last = string(attr.AppendKey([]byte(partition), key.Low))
	case "=", "<=":
		last = past(attr.AppendKey([]byte(partition), key.Low))
	case "BETWEEN":
		last = past(attr.AppendKey([]byte(partition), key.High))
	case "begins_with":
		last = past(attr.AppendKeyPrefix([]byte(partition), key.Low))
	}
	if from != "" && (last == "" || from < last) {
		return from
	}
	return last
}

// past returns the first row after all that begin with prefix, which is not all 0xff.
func past(prefix []byte) string {
	for prefix[len(prefix)-1] == 0xff {
		prefix = prefix[:len(prefix)-1]
	}
	prefix[len(prefix)-1]++
	return string(prefix)
}

func checkKeyTypes(from source, key expr.KeyCondition) error {
	wrong := func(name string, v attr.Value) bool { return v.Type != "" && v.Type != from.table.typeOf(name) }
	if wrong(from.partition(), key.Partition) || wrong(from.sort(), key.Low) || wrong(from.sort(), key.High) {
		return attr.Invalidf("One or more parameter values were invalid: Condition parameter type does not match schema type")
	}
	if key.Partition.Type != attr.Number && len(key.Partition.Str)+len(key.Partition.Bin) == 0 {
		return attr.Invalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "+
			"empty string value. Key: %s", from.partition())
	}
	return nil
}

func (s *Service) scan(_ context.Context, in ReadInput) (out PageOutput, err error) {
	p, _, from, err := s.prepareScan(in)
	if err != nil {
		return out, err
	}
	segment, segments := 0, 1
	if in.Segment != nil || in.TotalSegments != nil {
		if in.Segment == nil {
			return out, attr.Invalidf("The Segment parameter is required but was not present in the request when parameter " +
				"TotalSegments is present")
		}
		if in.TotalSegments == nil {
			return out, attr.Invalidf("The TotalSegments parameter is required but was not present in the request when Segment " +
				"parameter is present")
		}
		if *in.TotalSegments < 1 || *in.TotalSegments > maxSegments {
			return out, constraint("'"+strconv.Itoa(*in.TotalSegments)+"'", "totalSegments",
				"have value between 1 and "+strconv.Itoa(maxSegments))
		}
		if segment, segments = *in.Segment, *in.TotalSegments; segment < 0 || segment >= segments {
			return out, attr.Invalidf("The Segment parameter is zero-based and must be less than parameter TotalSegments: "+
				"Segment: %d is not less than TotalSegments: %d", segment, segments)
		}
	}
	if from != "" {
		from += "\x00"
	}
	err = p.from.rows.Scan(p.from.prefix, from, func(_ string, item attr.Item) bool {
		if segments > 1 && int(hash(string(attr.AppendKey(nil, item[p.from.partition()]))))%segments != segment {
			return true
		}
		return s.add(p, item)
	})
	return p.output(in), errors.Join(err, p.err)
}
