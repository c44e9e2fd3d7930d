package logs

import (
	"context"
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// GroupInput names a group; the other inputs and outputs carry the member names of the API, too.
type GroupInput struct {
	LogGroupName    string            `json:"logGroupName"`
	LogGroupClass   string            `json:"logGroupClass"`
	KMSKeyID        string            `json:"kmsKeyId"`
	Tags            map[string]string `json:"tags"`
	RetentionInDays int               `json:"retentionInDays"`
}

var validGroupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]+$`)

func (s *Service) createGroup(_ context.Context, in GroupInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byName[in.LogGroupName]; ok {
		return out, wire.Errorf("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	_, err = s.openGroup(in)
	return out, err
}

// openGroup makes a group. The caller holds the lock.
func (s *Service) openGroup(in GroupInput) (*open, error) {
	if len(in.LogGroupName) > 512 {
		return nil, errParameter("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")
	}
	if !validGroupName.MatchString(in.LogGroupName) {
		return nil, errParameter(`1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint: Member must `+
			`satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`, in.LogGroupName)
	}
	if in.LogGroupClass == "" {
		in.LogGroupClass = "STANDARD"
	}
	o := &open{streams: map[string]stream{}, group: group{
		ID: s.last.Add(1), Name: in.LogGroupName, Class: in.LogGroupClass, KMSKey: in.KMSKeyID, Created: s.now(), Tags: in.Tags,
	}}
	if err := s.groups.Put(o.Name, o.group); err != nil {
		return nil, err
	}
	s.byName[o.Name] = o
	return o, nil
}

func (s *Service) deleteGroup(_ context.Context, in GroupInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(in.LogGroupName)
	if err != nil {
		return out, err
	}
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		s.groups.DeleteTx(tx, o.Name)
		for name := range o.streams {
			s.streams.DeleteTx(tx, streamRow(o.group, name))
		}
		return s.metrics.Scan(o.Name+"\x00", "", func(row string, _ MetricFilter) bool {
			s.metrics.DeleteTx(tx, row)
			return true
		})
	})
	if err != nil {
		return out, err
	}
	delete(s.byName, o.Name)
	return out, s.dropEvents(o.group, func(event) bool { return true })
}

// DescribeGroupsInput asks for a page of groups.
type DescribeGroupsInput struct {
	Prefix      string   `json:"logGroupNamePrefix"`
	Pattern     string   `json:"logGroupNamePattern"`
	Identifiers []string `json:"logGroupIdentifiers"`
	Class       string   `json:"logGroupClass"`
	Limit       int      `json:"limit"`
	NextToken   string   `json:"nextToken"`
}

// DescribeGroupsOutput is a page of groups.
type DescribeGroupsOutput struct {
	LogGroups []GroupDescription `json:"logGroups"`
	NextToken string             `json:"nextToken,omitempty"`
}

// GroupDescription is what CloudWatch Logs tells about a group.
type GroupDescription struct {
	LogGroupName              string `json:"logGroupName"`
	ARN                       string `json:"arn"`
	LogGroupARN               string `json:"logGroupArn"`
	LogGroupClass             string `json:"logGroupClass"`
	CreationTime              int64  `json:"creationTime"`
	RetentionInDays           int    `json:"retentionInDays,omitempty"`
	KMSKeyID                  string `json:"kmsKeyId,omitempty"`
	MetricFilterCount         int    `json:"metricFilterCount"`
	StoredBytes               int64  `json:"storedBytes"`
	DeletionProtectionEnabled bool   `json:"deletionProtectionEnabled"`
}

func (s *Service) describeGroups(_ context.Context, in DescribeGroupsInput) (out DescribeGroupsOutput, err error) {
	if in.Prefix != "" && in.Pattern != "" {
		return out, errParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	limit, after, err := pageOf(in.Limit, 50, in.NextToken)
	if err != nil {
		return out, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out.LogGroups = []GroupDescription{}
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		g := s.byName[name].group
		if name <= after || !strings.HasPrefix(name, in.Prefix) || in.Class != "" && g.Class != in.Class ||
			!strings.Contains(strings.ToLower(name), strings.ToLower(in.Pattern)) ||
			len(in.Identifiers) > 0 && !slices.ContainsFunc(in.Identifiers, func(id string) bool { return groupName(id) == name }) {
			continue
		}
		if len(out.LogGroups) == limit {
			out.NextToken = encodeToken(out.LogGroups[limit-1].LogGroupName)
			break
		}
		filters := 0
		if err := s.metrics.Scan(name+"\x00", "", func(string, MetricFilter) bool { filters++; return true }); err != nil {
			return out, err
		}
		out.LogGroups = append(out.LogGroups, GroupDescription{
			LogGroupName: name, ARN: g.arn() + ":*", LogGroupARN: g.arn(), LogGroupClass: g.Class, CreationTime: g.Created,
			RetentionInDays: g.Retention, KMSKeyID: g.KMSKey, MetricFilterCount: filters,
		})
	}
	return out, nil
}

// pageOf checks the parameters of a page: how many entries, and after which name they begin.
func pageOf(limit, most int, token string) (n int, after string, err error) {
	if limit < 0 || limit > most {
		return 0, "", errParameter("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have "+
			"value less than or equal to %d", limit, most)
	}
	if limit == 0 {
		limit = most
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, "", errParameter("The specified nextToken is invalid.")
	}
	return limit, string(raw), nil
}

func encodeToken(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

// retentions are the numbers of days that AWS knows.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var retentions = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

func (s *Service) putRetention(_ context.Context, in GroupInput) (out wire.Empty, err error) {
	if !slices.Contains(retentions, in.RetentionInDays) {
		return out, errParameter("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must "+
			"satisfy enum value set: %v", in.RetentionInDays, retentions)
	}
	return out, s.changeGroup(in.LogGroupName, func(g *group) { g.Retention = in.RetentionInDays })
}

func (s *Service) deleteRetention(_ context.Context, in GroupInput) (out wire.Empty, err error) {
	return out, s.changeGroup(in.LogGroupName, func(g *group) { g.Retention = 0 })
}

// changeGroup stores a new version of a group. f must replace maps, not write into them.
func (s *Service) changeGroup(nameOrARN string, f func(g *group)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(nameOrARN)
	if err != nil {
		return err
	}
	g := o.group
	f(&g)
	if err := s.groups.Put(g.Name, g); err != nil {
		return err
	}
	o.group = g
	return nil
}

// TagsInput names a group, by its ARN or in the older operations by its name, and tags.
type TagsInput struct {
	ResourceARN  string            `json:"resourceArn"`
	LogGroupName string            `json:"logGroupName"`
	Tags         map[string]string `json:"tags"`
	TagKeys      []string          `json:"tagKeys"`
}

// TagsOutput holds the tags of a group.
type TagsOutput struct {
	Tags map[string]string `json:"tags"`
}

func (s *Service) listTags(_ context.Context, in TagsInput) (out TagsOutput, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, err := s.find(in.ResourceARN + in.LogGroupName)
	if err != nil {
		return out, err
	}
	out.Tags = map[string]string{}
	maps.Copy(out.Tags, o.Tags)
	return out, nil
}

func (s *Service) tag(_ context.Context, in TagsInput) (out wire.Empty, err error) {
	return out, s.changeGroup(in.ResourceARN+in.LogGroupName, func(g *group) {
		tags := map[string]string{}
		maps.Copy(tags, g.Tags)
		maps.Copy(tags, in.Tags)
		g.Tags = tags
	})
}

func (s *Service) untag(_ context.Context, in TagsInput) (out wire.Empty, err error) {
	return out, s.changeGroup(in.ResourceARN, func(g *group) { g.Tags = withoutTags(g.Tags, in.TagKeys) })
}

// UntagGroupInput names tags as the older operation does.
type UntagGroupInput struct {
	LogGroupName string   `json:"logGroupName"`
	Tags         []string `json:"tags"`
}

func (s *Service) untagGroup(_ context.Context, in UntagGroupInput) (out wire.Empty, err error) {
	return out, s.changeGroup(in.LogGroupName, func(g *group) { g.Tags = withoutTags(g.Tags, in.Tags) })
}

func withoutTags(tags map[string]string, keys []string) map[string]string {
	rest := maps.Clone(tags)
	maps.DeleteFunc(rest, func(key, _ string) bool { return slices.Contains(keys, key) })
	return rest
}
