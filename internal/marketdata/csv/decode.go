package csv

import (
	"bufio"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// maxNumber bounds the length of a number, which bounds the work that a malicious one can cause.
const maxNumber = 32

// Decode reads the bars of one file; name is how errors call it. It returns at least one bar, or a fault.Invalid error
// `name:line: what was found; what was wanted` for: another header than the two known, a line with too many or too few
// columns, a date that is not one, not after the one before, there twice, or with a session of the New York Stock Exchange
// missing before it (from nyse.Since on), a price that is not a positive plain number, a volume that is negative, a high below or a low above
// the other prices, no line at all. With the short header all four prices are the close, and the volume is 0.
func Decode(name string, r io.Reader) ([]market.Bar, error) {
	sessions, err := nyse.New()
	if err != nil {
		return nil, err
	}
	return decode(name, r, sessions)
}

func decode(name string, r io.Reader, sessions *nyse.Calendar) ([]market.Bar, error) {
	d := &decoder{name: name, csv: stdcsv.NewReader(skipMark(r)), sessions: sessions}
	d.csv.ReuseRecord = true
	d.csv.FieldsPerRecord = -1 // we say it in our own words
	return d.bars()
}

type decoder struct {
	name     string
	csv      *stdcsv.Reader
	sessions *nyse.Calendar
	full     bool
}

func (d *decoder) bars() ([]market.Bar, error) {
	header, err := d.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "%s: empty file; want a header and a line for each trading day", d.name)
	}
	if err != nil {
		return nil, d.syntax(err)
	}
	switch {
	case slices.Equal(header, []string{"date", "close"}):
	case slices.Equal(header, []string{"date", "open", "high", "low", "close", "volume"}):
		d.full = true
	default:
		return nil, d.fail("header %q; want date,close or date,open,high,low,close,volume", strings.Join(header, ","))
	}
	var bars []market.Bar
	for {
		fields, err := d.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, d.syntax(err)
		}
		bar, err := d.bar(fields)
		if err != nil {
			return nil, err
		}
		if n := len(bars); n > 0 && bar.Date <= bars[n-1].Date {
			if bar.Date == bars[n-1].Date {
				return nil, d.fail("second line of %s; want one a date", bar.Date)
			}
			return nil, d.fail("%s after %s; want the oldest first", bar.Date, bars[n-1].Date)
		}
		if n := len(bars); n > 0 && bars[n-1].Date >= nyse.Since {
			if missing := d.sessions.Next(bars[n-1].Date); missing < bar.Date {
				return nil, d.fail("%s after %s; want a line for each session, as that of %s", bar.Date, bars[n-1].Date, missing)
			}
		}
		bars = append(bars, bar)
	}
	if len(bars) == 0 {
		return nil, fault.New(fault.Invalid, "%s: no line after the header; want one for each trading day", d.name)
	}
	return bars, nil
}

func (d *decoder) bar(fields []string) (market.Bar, error) {
	want := 2
	if d.full {
		want = 6
	}
	if len(fields) != want {
		return market.Bar{}, d.fail("%d columns; want %d as in the header", len(fields), want)
	}
	date, err := market.ParseDate(fields[0])
	if err != nil {
		return market.Bar{}, d.fail("%w", err)
	}
	if !d.full {
		price, err := d.price("close", fields[1])
		return market.Bar{Date: date, Open: price, High: price, Low: price, Close: price}, err
	}
	bar := market.Bar{Date: date}
	for i, column := range []struct {
		name string
		to   *decimal.Decimal
	}{{"open", &bar.Open}, {"high", &bar.High}, {"low", &bar.Low}, {"close", &bar.Close}} {
		if *column.to, err = d.price(column.name, fields[i+1]); err != nil {
			return market.Bar{}, err
		}
	}
	if bar.Volume, err = number(fields[5]); err != nil {
		return market.Bar{}, d.fail("volume %q; want a plain number, 0 or more", fields[5])
	}
	if bar.High.LessThan(decimal.Max(bar.Open, bar.Low, bar.Close)) || bar.Low.GreaterThan(decimal.Min(bar.Open, bar.Close)) {
		return market.Bar{}, d.fail("open %s, high %s, low %s, close %s; want the high on top and the low below",
			bar.Open, bar.High, bar.Low, bar.Close)
	}
	return bar, nil
}

func (d *decoder) price(column, s string) (decimal.Decimal, error) {
	price, err := number(s)
	if err != nil || !price.IsPositive() {
		return decimal.Decimal{}, d.fail("%s %q; want a plain number above 0", column, s)
	}
	return price, nil
}

// number reads digits with at most one point. decimal alone would also take signs and exponents.
func number(s string) (decimal.Decimal, error) {
	if s == "" || len(s) > maxNumber || strings.Trim(s, "0123456789.") != "" {
		return decimal.Decimal{}, fmt.Errorf("%q is not a plain number", s)
	}
	return decimal.NewFromString(s)
}

func (d *decoder) fail(format string, args ...any) error {
	line, _ := d.csv.FieldPos(0)
	return fault.New(fault.Invalid, "%s:%d: %w", d.name, line, fmt.Errorf(format, args...))
}

func (d *decoder) syntax(err error) error {
	var parse *stdcsv.ParseError
	if errors.As(err, &parse) {
		return fault.New(fault.Invalid, "%s:%d: %w", d.name, parse.Line, parse.Err)
	}
	return fault.New(fault.Transient, "read %s: %w", d.name, err)
}

// skipMark leaves out the byte order mark that spreadsheets put before a file.
func skipMark(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = b.Discard(3) // they have been read
	}
	return b
}
