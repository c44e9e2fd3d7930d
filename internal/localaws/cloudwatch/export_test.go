package cloudwatch

// Judge is the state that datapoints lead to.
func Judge(d AlarmDefinition, values []float64, was string) string { return d.judge(values, was) }
