package sqs

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// QueueInput names a queue.
type QueueInput struct{ QueueUrl string }

// CreateQueueInput and the other inputs and outputs carry the member names of the API.
type CreateQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

// QueueOutput answers with the URL of a queue.
type QueueOutput struct{ QueueUrl string }

func (s *Service) createQueue(_ context.Context, in CreateQueueInput) (out QueueOutput, err error) {
	if strings.HasSuffix(in.QueueName, ".fifo") || in.Attributes["FifoQueue"] == "true" {
		return out, errFIFO()
	}
	if in.QueueName == "" {
		return out, errMissing("QueueName")
	}
	if !queueName.MatchString(in.QueueName) {
		return out, errValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	attributes, err := defaultAttributes().with(in.Attributes)
	if err != nil {
		return out, err
	}
	out.QueueUrl = s.url(in.QueueName)

	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.queues[in.QueueName]; ok {
		return out, sameAttributes(old.snapshot().Attributes, in.Attributes)
	}
	now := s.cfg.Clock.Now()
	q := newQueue(record{
		ID: s.last.Add(1), Name: in.QueueName, Attributes: attributes, Tags: in.Tags, Created: now, Modified: now,
	})
	if err := s.checkRedrive(q.arn(), in.Attributes, attributes); err != nil {
		return out, err
	}
	if err := s.records.Put(in.QueueName, q.rec); err != nil {
		return out, err
	}
	s.queues[in.QueueName] = q
	return out, nil
}

// sameAttributes refuses to create a queue again with other values than it has.
func sameAttributes(have attributes, want map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if have[name] != want[name] {
			return fail("QueueNameExists", "QueueAlreadyExists",
				"A queue already exists with the same name and a different value for attribute %s", name)
		}
	}
	return nil
}

// checkRedrive refuses a redrive policy, if the change holds one, whose dead letter queue is missing or unwilling.
// The caller holds the lock.
func (s *Service) checkRedrive(source string, change map[string]string, next attributes) error {
	document := change["RedrivePolicy"]
	policy, ok := next.redrive()
	if document == "" || !ok {
		return nil
	}
	target, ok := s.queues[policy.target[strings.LastIndexByte(policy.target, ':')+1:]]
	if !ok {
		return errParameter(document, "RedrivePolicy", "Dead letter target does not exist.")
	}
	if !target.snapshot().Attributes.admits(source) {
		return errParameter(document, "RedrivePolicy", "Dead letter target does not allow this source queue "+
			"(RedriveAllowPolicy).")
	}
	return nil
}

func (s *Service) deleteQueue(_ context.Context, in QueueInput) (out wire.Empty, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := q.keys(q.clear())
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		s.records.DeleteTx(tx, q.rec.Name)
		s.eraseTx(tx, keys)
		return nil
	})
	if err == nil {
		delete(s.queues, q.rec.Name)
	}
	return out, err
}

// GetQueueURLInput asks for a queue by name.
type GetQueueURLInput struct{ QueueName string }

func (s *Service) getQueueURL(_ context.Context, in GetQueueURLInput) (out QueueOutput, err error) {
	if _, err := s.byName(in.QueueName); err != nil {
		return out, err
	}
	return QueueOutput{QueueUrl: s.url(in.QueueName)}, nil
}

// ListQueuesInput asks for a page of queues, all (by prefix) or those that redrive into QueueUrl.
type ListQueuesInput struct {
	QueueNamePrefix string
	QueueUrl        string
	MaxResults      int
	NextToken       string
}

// ListQueuesOutput is a page of URLs.
type ListQueuesOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) listQueues(_ context.Context, in ListQueuesInput) (ListQueuesOutput, error) {
	return s.page(in, func(rec record) bool { return strings.HasPrefix(rec.Name, in.QueueNamePrefix) })
}

// ListSourcesOutput spells its member as only this operation does.
type ListSourcesOutput struct {
	QueueUrls []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) listSources(_ context.Context, in ListQueuesInput) (out ListSourcesOutput, err error) {
	target, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	page, err := s.page(in, func(rec record) bool {
		policy, ok := rec.Attributes.redrive()
		return ok && policy.target == target.arn()
	})
	return ListSourcesOutput{QueueUrls: append([]string{}, page.QueueUrls...), NextToken: page.NextToken}, err
}

// page returns the URLs after NextToken of the queues that match, at most MaxResults.
func (s *Service) page(in ListQueuesInput, match func(record) bool) (out ListQueuesOutput, err error) {
	after, err := base64.URLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return out, errValue("Invalid or expired next token.")
	}
	limit := in.MaxResults
	if limit < 0 || limit > 1000 {
		return out, errParameter(limit, "MaxResults", "Must be between 1 and 1000, if provided.")
	}
	if limit == 0 {
		limit = 1000
	}
	last := ""
	for _, q := range s.all() {
		rec := q.snapshot()
		if rec.Name <= string(after) || !match(rec) {
			continue
		}
		if len(out.QueueUrls) == limit {
			out.NextToken = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		out.QueueUrls, last = append(out.QueueUrls, s.url(rec.Name)), rec.Name
	}
	return out, nil
}

// GetAttributesInput asks for attributes of a queue by name, or "All".
type GetAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

// GetAttributesOutput holds the attributes that were asked for and exist.
type GetAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Service) getAttributes(_ context.Context, in GetAttributesInput) (out GetAttributesOutput, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	rec := q.snapshot()
	have := maps.Clone(rec.Attributes)
	have["QueueArn"] = q.arn()
	have["CreatedTimestamp"] = strconv.FormatInt(rec.Created.Unix(), 10)
	have["LastModifiedTimestamp"] = strconv.FormatInt(rec.Modified.Unix(), 10)
	visible, inFlight, delayed := q.counts(s.now())
	have["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	have["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(inFlight)
	have["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	if slices.Contains(in.AttributeNames, "All") {
		return GetAttributesOutput{Attributes: have}, nil
	}
	out.Attributes = map[string]string{}
	for _, name := range in.AttributeNames {
		if value, ok := have[name]; ok {
			out.Attributes[name] = value
			continue
		}
		if !known(name) {
			return GetAttributesOutput{}, errAttributeName("Unknown Attribute %s.", name)
		}
	}
	return out, nil
}

// SetAttributesInput changes attributes of a queue.
type SetAttributesInput struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Service) setAttributes(_ context.Context, in SetAttributesInput) (out wire.Empty, err error) {
	return out, s.change(in.QueueUrl, func(q *queue, rec *record) error {
		next, err := rec.Attributes.with(in.Attributes)
		if err != nil {
			return err
		}
		if err := s.checkRedrive(q.arn(), in.Attributes, next); err != nil {
			return err
		}
		rec.Attributes = next
		rec.Modified = s.cfg.Clock.Now()
		return nil
	})
}

// change stores a new version of the record of a queue. f must replace maps, not write into them.
func (s *Service) change(url string, f func(q *queue, rec *record) error) error {
	q, err := s.byURL(url)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[q.rec.Name] != q {
		return errNoQueue()
	}
	rec := q.snapshot()
	if err := f(q, &rec); err != nil {
		return err
	}
	if err := s.records.Put(rec.Name, rec); err != nil {
		return err
	}
	q.replace(rec)
	return nil
}

// TagsInput sets tags.
type TagsInput struct {
	QueueUrl string
	Tags     map[string]string
	TagKeys  []string
}

// TagsOutput holds the tags of a queue.
type TagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Service) listTags(_ context.Context, in QueueInput) (out TagsOutput, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	return TagsOutput{Tags: q.snapshot().Tags}, nil
}

func (s *Service) tag(_ context.Context, in TagsInput) (out wire.Empty, err error) {
	return out, s.change(in.QueueUrl, func(_ *queue, rec *record) error {
		tags := map[string]string{}
		maps.Copy(tags, rec.Tags)
		maps.Copy(tags, in.Tags)
		if len(tags) > 50 {
			return errValue("Too many tags added for queue %s.", rec.Name)
		}
		rec.Tags = tags
		return nil
	})
}

func (s *Service) untag(_ context.Context, in TagsInput) (out wire.Empty, err error) {
	return out, s.change(in.QueueUrl, func(_ *queue, rec *record) error {
		rec.Tags = maps.Clone(rec.Tags)
		maps.DeleteFunc(rec.Tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
		return nil
	})
}

func (s *Service) purge(_ context.Context, in QueueInput) (out wire.Empty, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	if !q.startPurge(s.cfg.Clock.Now()) {
		e := fail("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.rec.Name)
		e.Status = 403
		return out, e
	}
	return out, s.erase(q.keys(q.clear()))
}

// startPurge notes the time of a purge; it reports false if the last was less than a minute ago.
func (q *queue) startPurge(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.purged.IsZero() && now.Sub(q.purged) < time.Minute {
		return false
	}
	q.purged = now
	return true
}
