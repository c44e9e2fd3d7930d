package telemetry

import (
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Logger writes one JSON object a line. Nothing is sampled: an order that is not in the log did not happen for whoever
// reads it. It is safe for concurrent use.
type Logger struct{ zap *zap.Logger }

var _ consumer.Logger = (*Logger)(nil)

// NewLogger returns a logger that writes to w, unbuffered, for one function and version. On Lambda w is os.Stdout.
func NewLogger(w io.Writer, function, version string) *Logger {
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "message",
		EncodeTime: utcTime, EncodeLevel: zapcore.LowercaseLevelEncoder,
	})
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), zapcore.InfoLevel)
	return &Logger{zap: zap.New(core, zap.Fields(zap.String("function", function), zap.String("version", version)))}
}

func utcTime(t time.Time, to zapcore.PrimitiveArrayEncoder) {
	zapcore.ISO8601TimeEncoder(t.UTC(), to)
}

type fieldsKey struct{}

// With returns a context whose lines carry fields besides those that ctx's carry; a field of the same name is replaced.
func (l *Logger) With(ctx context.Context, fields map[string]string) context.Context {
	return context.WithValue(ctx, fieldsKey{}, merged(ctx, fields))
}

// merged returns the fields that ctx carries and own; of the same name, own counts.
func merged(ctx context.Context, own map[string]string) map[string]string {
	all := map[string]string{}
	if carried, ok := ctx.Value(fieldsKey{}).(map[string]string); ok {
		maps.Copy(all, carried)
	}
	maps.Copy(all, own)
	return all
}

// Info writes a line.
func (l *Logger) Info(ctx context.Context, message string, fields map[string]string) {
	l.zap.Info(message, lineFields(ctx, fields)...)
}

// Error writes a line about err, with the decision that it carries as code.
func (l *Logger) Error(ctx context.Context, message string, err error, fields map[string]string) {
	about := append(lineFields(ctx, fields), zap.String("error", err.Error()), zap.String("code", string(fault.CodeOf(err))))
	l.zap.Error(message, about...)
}

// lineFields returns those that ctx carries, those of the line, and the trace to jump to.
func lineFields(ctx context.Context, own map[string]string) []zap.Field {
	all := merged(ctx, own)
	var fs []zap.Field
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fs = append(fs, zap.String(key, all[key]))
	}
	if trace := traceID(ctx); trace != "" {
		fs = append(fs, zap.String("trace_id", trace))
	}
	return fs
}
