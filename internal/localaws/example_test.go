package localaws_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

// An endpoint on a free port; its URL is the AWS_ENDPOINT_URL of clients.
func Example() {
	server, err := localaws.New(localaws.Config{Log: os.Stderr})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx) }()

	res, err := http.Get(server.URL() + "/_alchemiser/inventory")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	fmt.Printf("%s %v\n", body[:len(body)-1], err)
	stop()
	fmt.Println(<-ended)
	// Output:
	// {"resources":[]} <nil>
	// <nil>
}
