package backtest

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// The frame of every chart, in the units of its SVG: what is drawn lies inside the margins.
const (
	chartWidth   = 1080.0
	marginLeft   = 76.0
	marginRight  = 12.0
	marginTop    = 10.0
	marginBottom = 26.0
	// maxTicks is how many labels an axis has at most.
	maxTicks = 13
)

// chart is a picture over the trading days. The template draws it as SVG of the page's own: gonum/plot writes colours, a white
// background and a serif font into each element, so its pictures can't follow a reader who wants the page dark.
type chart struct {
	// ID names the chart on its page, Text says what it shows to those who cannot see it.
	ID, Title, Text string
	Height          float64
	X, Y            []tick
	Shapes          []shape

	days     int
	min, max float64 // of the values on the vertical axis
}

// tick is a label on an axis and where it is.
type tick struct {
	At    float64
	Label string
}

// shape is a line, or an area, and its place in the legend, if it has a name.
type shape struct {
	// Class is its colour: c0 and up, co for the others, cb for the benchmark.
	Class, Name, Path string
	Area              bool
}

// newChart makes an empty chart for values from lowest to highest; label writes the values of the vertical axis.
func newChart(id, title, text string, height float64, dates []market.Date, lowest, highest float64, label func(float64) string) *chart {
	c := &chart{ID: id, Title: title, Text: text, Height: height, days: len(dates)}
	if lowest == highest { // a value that never changes is drawn in the middle
		lowest, highest = lowest-1, highest+1
	}
	step := niceStep((highest - lowest) / 5)
	c.min, c.max = math.Floor(lowest/step+1e-9)*step, math.Ceil(highest/step-1e-9)*step
	for i := 0; c.min+float64(i)*step <= c.max+step/2; i++ {
		v := c.min + float64(i)*step
		c.Y = append(c.Y, tick{c.y(v), label(v)})
	}
	c.X = c.dateTicks(dates)
	return c
}

// niceStep returns the least of 1, 2, 5 times a power of ten that is not below rough.
func niceStep(rough float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough {
			return m * power
		}
	}
	return 10 * power
}

// dateTicks labels the beginnings of years, of months or of days, whichever gives labels enough.
func (c *chart) dateTicks(dates []market.Date) []tick {
	var all []tick
	for _, length := range []int{len("2006"), len("2006-01"), len("2006-01-02")} {
		all = nil
		for i := 1; i < len(dates); i++ {
			if label := string(dates[i])[:length]; label != string(dates[i-1])[:length] {
				all = append(all, tick{c.x(i), label})
			}
		}
		if len(all) >= 4 {
			break
		}
	}
	every := len(all)/maxTicks + 1
	var out []tick
	for i := 0; i < len(all); i += every {
		out = append(out, all[i])
	}
	return out
}

// x is where a day is drawn, y where a value is; what is beyond the frame is drawn at its edge.
func (c *chart) x(day int) float64 {
	return tenth(marginLeft + (chartWidth-marginLeft-marginRight)*float64(day)/float64(c.days-1))
}

func (c *chart) y(v float64) float64 {
	return tenth(marginTop + (c.Height-marginTop-marginBottom)*(c.max-min(max(v, c.min), c.max))/(c.max-c.min))
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// Left, Right and Bottom are the edges of the frame, Width is the picture's.
func (c *chart) Left() float64   { return marginLeft }
func (c *chart) Right() float64  { return chartWidth - marginRight }
func (c *chart) Bottom() float64 { return c.Height - marginBottom }
func (c *chart) Width() float64  { return chartWidth }

// line adds a line through the values of all days.
func (c *chart) line(class, name string, values []float64) {
	c.Shapes = append(c.Shapes, shape{Class: class, Name: name, Path: c.path("M", 0, values)})
}

// area adds what lies between two lines. Both have a value for each step of so many days, the last for the last day.
func (c *chart) area(class, name string, step int, lower, upper []float64) {
	reversed := make([]string, 0, len(lower))
	for i := len(lower) - 1; i >= 0; i-- {
		reversed = append(reversed, c.point(c.dayOf(i, step, len(lower)), lower[i]))
	}
	var b strings.Builder
	for i, v := range upper {
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + c.point(c.dayOf(i, step, len(upper)), v))
	}
	c.Shapes = append(c.Shapes, shape{Class: class, Name: name, Area: true, Path: b.String() + "L" + strings.Join(reversed, "L") + "Z"})
}

// dayOf is the day of the i-th of n steps.
func (c *chart) dayOf(i, step, n int) int {
	if i == n-1 {
		return c.days - 1
	}
	return i * step
}

func (c *chart) path(begin string, first int, values []float64) string {
	var b strings.Builder
	for i, v := range values {
		b.WriteString(begin + c.point(first+i, v))
		begin = "L"
	}
	return b.String()
}

func (c *chart) point(day int, v float64) string {
	return strconv.FormatFloat(c.x(day), 'f', -1, 64) + " " + strconv.FormatFloat(c.y(v), 'f', -1, 64)
}

// shortDollars labels an axis: $250k, $1.2M.
func shortDollars(v float64) string {
	switch abs := math.Abs(v); {
	case abs >= 1e6:
		return "$" + strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
	case abs >= 1e4:
		return "$" + strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
	default:
		return fmt.Sprintf("$%.0f", v)
	}
}

func shortPercent(v float64) string { return strconv.FormatFloat(rounded(v), 'f', -1, 64) + " %" }
