package dashboard

import (
	_ "embed" // the picture's form
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

//go:embed dashboard.svg.tmpl
var form string

// One unit of the dashboard's grid, in the units of the picture.
const (
	column = 50
	row    = 34
	gap    = 6
	// plotted is where lines begin and end within a tile: below the title, above the legend.
	plotTop    = 34
	plotBottom = 22
)

// Draw writes p as SVG.
func Draw(w io.Writer, p Picture) error {
	height := 0
	for _, t := range p.Tiles {
		height = max(height, t.Y+t.Height)
	}
	tmpl, err := template.New("dashboard").Funcs(template.FuncMap{
		"x": func(v int) int { return v*column + gap/2 }, "y": func(v int) int { return v*row + gap/2 },
		"wide": func(v int) int { return v*column - gap }, "high": func(v int) int { return v*row - gap },
		"path": path, "top": top, "colour": colour, "lamp": lamp, "short": shorten, "add": func(a, b int) int { return a + b },
		"mul": func(a, b int) int { return a * b }, "div": func(a, b int) int { return a / b }, "mod": func(a, b int) int { return a % b }, "number": number,
	}).Parse(form)
	if err != nil {
		return fmt.Errorf("draw dashboard: %w", err)
	}
	return tmpl.Execute(w, struct {
		Picture
		Width, Height int
	}{p, 24 * column, height*row + 30})
}

// top returns the largest value of lines; the smallest is 0.
func top(lines []Line) float64 {
	highest := 0.0
	for _, l := range lines {
		for _, p := range l.Points {
			highest = math.Max(highest, p.Value)
		}
	}
	return highest
}

// path returns a line as an SVG path over a tile that is width by height columns and rows. A point alone is a short dash.
func path(t Tile, l Line) string {
	highest := top(t.Lines)
	if highest == 0 {
		highest = 1
	}
	wide, high := float64(t.Width*column-gap-20), float64(t.Height*row-gap-plotTop-plotBottom)
	var b strings.Builder
	for i, p := range l.Points {
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", verb, 10+p.At*wide, plotTop+high-p.Value/highest*high)
	}
	if len(l.Points) == 1 {
		b.WriteString("h3")
	}
	return b.String()
}

// colour returns a colour for the line with an index, from a palette that people with red-green blindness can tell apart.
// https://jfly.uni-koeln.de/color/
func colour(i int) string {
	palette := [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"}
	return palette[i%len(palette)]
}

// lamp returns the colour of an alarm's state.
func lamp(state string) string {
	switch state {
	case "OK":
		return "#009e73"
	case "ALARM":
		return "#d13212"
	default:
		return "#879596"
	}
}

// shorten drops what all alarms of a stage begin with.
func shorten(name string) string {
	parts := strings.SplitN(name, "-", 3)
	return parts[len(parts)-1]
}
