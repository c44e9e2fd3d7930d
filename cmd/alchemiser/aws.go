package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// localAWS returns the configuration of AWS clients that talk to a local stack.
func localAWS(s *stack.Stack) aws.Config {
	env := s.Env()
	return aws.Config{
		Region:       env["AWS_REGION"],
		Logger:       awsclient.Quiet(),
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials:  credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
}
