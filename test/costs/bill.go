package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/goccy/go-yaml"
	"github.com/shopspring/decimal"
)

const (
	// sessions of the exchange in a month: 252 a year.
	sessions = 21
	// watchdogs in a month of 30 days, one every five minutes.
	watchdogs = 30 * 24 * 12
	// starts of the two daily schedules.
	starts = 2 * sessions
	// archiveMonths and logMonths are how long events and lines are kept, by the defaults of the Terraform variables.
	archiveMonths = 12
	logMonths     = 3
	// waitingSeconds is what a measured execution lacks: the paper broker fills at once, an exchange does not.
	waitingSeconds = 30
	// executionGB is the memory of execution.
	executionGB = 0.25
)

// volumes are the workflows a day that the page shows.
var volumes = []int64{1, 100, 10_000}

//go:embed prices.yaml
var pricesYAML []byte

//go:embed usage.yaml
var usageYAML []byte

//go:embed page.tmpl
var pageTemplate string

// price is what AWS asks for Per of an item.
type price struct {
	Item   string          `yaml:"item"`
	Per    int64           `yaml:"per"`
	Unit   string          `yaml:"unit"`
	Price  decimal.Decimal `yaml:"price"`
	Source string          `yaml:"source"`
	Date   string          `yaml:"date"`
}

// usage is what was measured: Workflow and Watchdog are quantities by item for one of them, Stage for a month of a stage at rest.
type usage struct {
	Measured string                     `yaml:"measured"`
	Runs     int                        `yaml:"runs"`
	Workflow map[string]decimal.Decimal `yaml:"workflow"`
	Watchdog map[string]decimal.Decimal `yaml:"watchdog"`
	Stage    map[string]decimal.Decimal `yaml:"stage"`
}

// line is an item of the bill, with a column for each volume.
type line struct {
	price
	Quantities, Costs []decimal.Decimal
}

// month returns how much of every item a month with that many workflows a day uses.
func (u usage) month(perDay int64) map[string]decimal.Decimal {
	workflows := decimal.NewFromInt(perDay * sessions)
	sum := map[string]decimal.Decimal{"schedule": decimal.NewFromInt(watchdogs + starts)}
	add := func(from map[string]decimal.Decimal, times decimal.Decimal) {
		for item, n := range from {
			sum[item] = sum[item].Add(n.Mul(times))
		}
	}
	add(u.Stage, decimal.NewFromInt(1))
	add(u.Watchdog, decimal.NewFromInt(watchdogs))
	add(u.Workflow, workflows)
	sum["gb_second"] = sum["gb_second"].Add(workflows.Mul(decimal.NewFromFloat(executionGB * waitingSeconds)))
	sum["archive_storage"] = sum["archive"].Mul(decimal.NewFromInt(archiveMonths))
	sum["log_storage"] = sum["log"].Mul(decimal.NewFromInt(logMonths))
	return sum
}

// bill is the month of every volume, dearest item of the greatest volume first.
func bill(prices []price, u usage) ([]line, error) {
	var lines []line
	known := map[string]bool{}
	for _, p := range prices {
		if p.Item == "customer_key" {
			continue
		}
		known[p.Item] = true
		l := line{price: p}
		for _, v := range volumes {
			quantity := u.month(v)[p.Item]
			l.Quantities = append(l.Quantities, quantity)
			l.Costs = append(l.Costs, quantity.Mul(p.Price).Div(decimal.NewFromInt(p.Per)))
		}
		lines = append(lines, l)
	}
	for item := range u.month(1) {
		if !known[item] {
			return nil, fmt.Errorf("%s is used and has no price", item)
		}
	}
	last := len(volumes) - 1
	slices.SortStableFunc(lines, func(a, b line) int { return b.Costs[last].Cmp(a.Costs[last]) })
	return lines, nil
}

// page is what docs/costs.md says.
type page struct {
	Region   string
	Prices   []price
	Lines    []line
	Usage    usage
	Volumes  []int64
	Sums     []decimal.Decimal
	Dearest  []line // at each volume
	Shares   []string
	Key      price
	Constant map[string]int64
}

// render writes the page from the prices and the usage that are kept beside this file.
func render() ([]byte, error) {
	var facts struct {
		Region string  `yaml:"region"`
		Prices []price `yaml:"prices"`
	}
	if err := yaml.UnmarshalWithOptions(pricesYAML, &facts, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("prices.yaml: %w", err)
	}
	var u usage
	if err := yaml.UnmarshalWithOptions(usageYAML, &u, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("usage.yaml: %w", err)
	}
	lines, err := bill(facts.Prices, u)
	if err != nil {
		return nil, err
	}
	p := page{Region: facts.Region, Prices: facts.Prices, Lines: lines, Usage: u, Volumes: volumes, Constant: map[string]int64{
		"sessions": sessions, "watchdogs": watchdogs, "waiting": waitingSeconds, "archive": archiveMonths, "log": logMonths,
	}}
	for i := range volumes {
		sum, dearest := decimal.Zero, lines[0]
		for _, l := range lines {
			sum = sum.Add(l.Costs[i])
			if l.Costs[i].GreaterThan(dearest.Costs[i]) {
				dearest = l
			}
		}
		p.Sums, p.Dearest = append(p.Sums, sum), append(p.Dearest, dearest)
		p.Shares = append(p.Shares, dearest.Costs[i].Mul(decimal.NewFromInt(100)).Div(sum).StringFixed(0)+" %")
	}
	for _, known := range facts.Prices {
		if known.Item == "customer_key" {
			p.Key = known
		}
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"usd": func(d decimal.Decimal) string { return d.StringFixed(2) }, "number": number, "thousands": thousands,
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// number shows a quantity with two significant digits, or as a whole.
func number(d decimal.Decimal) string {
	if d.GreaterThanOrEqual(decimal.NewFromInt(100)) {
		return thousands(d.Round(0).IntPart())
	}
	return d.Round(max(2, 2-int32(d.NumDigits())-d.Exponent())).String()
}

// thousands shows a whole number with commas.
func thousands(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
