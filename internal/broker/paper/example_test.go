package paper_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
)

func ExampleNew() {
	broker, err := paper.New(paper.Config{
		Prices: paper.Seeded(1), Cash: decimal.NewFromInt(100_000), Fills: paper.FillsInstant, SpreadBps: decimal.NewFromInt(2),
	})
	if err != nil {
		log.Fatal(err)
	}
	serving := httptest.NewServer(broker)
	defer serving.Close()
	resp, err := http.Get(serving.URL + "/_control/clock")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	clock, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(clock))
	// Output: {"now":"2026-03-02T15:45:00-05:00","running":false}
}
