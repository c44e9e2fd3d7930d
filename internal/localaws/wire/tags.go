package wire

import "slices"

// TagConditions are the condition keys of a request that sets tags or removes those with the keys removed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
func TagConditions[T ~struct{ Key, Value string }](set []T, removed []string) map[string][]string {
	tags := make(map[string]string, len(set))
	for _, tag := range set {
		t := struct{ Key, Value string }(tag)
		tags[t.Key] = t.Value
	}
	return TagMapConditions(tags, removed)
}

// TagMapConditions is TagConditions for tags by their keys.
func TagMapConditions(set map[string]string, removed []string) map[string][]string {
	out := map[string][]string{}
	keys := slices.Clone(removed)
	for key, value := range set {
		out["aws:RequestTag/"+key] = []string{value}
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		out["aws:TagKeys"] = keys
	}
	return out
}
