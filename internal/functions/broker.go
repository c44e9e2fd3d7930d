package functions

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	broker "github.com/the-alchemiser/alchemiser/internal/broker/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/secret"
	"github.com/the-alchemiser/alchemiser/internal/telemetry"
)

// Broker is the broker with what else talks to it.
type Broker struct {
	*broker.Client
	// Keys and Transport are those of the client.
	Keys      *secret.Keys
	Transport http.RoundTripper
}

// Broker returns the broker. Its keys are read when it is first called.
func (f *Function) Broker() (Broker, error) {
	keys, err := secret.NewKeys(ssm.NewFromConfig(f.AWS), f.Config.Broker.SecretID, time.Now)
	if err != nil {
		return Broker{}, err
	}
	transport := telemetry.TraceHTTP(http.DefaultTransport)
	client, err := broker.New(broker.Config{
		BaseURL: f.Config.Broker.BaseURL, DataURL: f.Config.Broker.DataURL, AllowLive: f.Config.Broker.AllowLive,
		Credentials: keys.Credentials, Transport: transport,
	})
	if err != nil {
		return Broker{}, err
	}
	return Broker{Client: client, Keys: keys, Transport: transport}, nil
}
