package telemetry

import (
	"context"
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Logger writes one JSON object a line. Nothing is sampled: an order that is not in the log did not happen for whoever
// reads it. It is safe for concurrent use.
type Logger struct{ zap *zap.SugaredLogger }

// NewLogger returns a logger that writes to w, unbuffered, for one function and version. On Lambda w is os.Stdout.
func NewLogger(w io.Writer, function, version string) *Logger {
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "message", NameKey: zapcore.OmitKey, CallerKey: zapcore.OmitKey,
		FunctionKey: zapcore.OmitKey, StacktraceKey: zapcore.OmitKey, LineEnding: zapcore.DefaultLineEnding,
		EncodeTime: utcTime, EncodeLevel: zapcore.LowercaseLevelEncoder, EncodeDuration: zapcore.StringDurationEncoder,
	})
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), zapcore.InfoLevel)
	return &Logger{zap: zap.New(core).Sugar().With("function", function, "version", version)}
}

func utcTime(t time.Time, to zapcore.PrimitiveArrayEncoder) {
	zapcore.ISO8601TimeEncoder(t.UTC(), to)
}

// Info writes a line. keysAndValues are pairs of a string and anything JSON can hold.
func (l *Logger) Info(ctx context.Context, message string, keysAndValues ...any) {
	l.in(ctx).Infow(message, keysAndValues...)
}

// Warn writes a line about what should not have happened and did no harm.
func (l *Logger) Warn(ctx context.Context, message string, keysAndValues ...any) {
	l.in(ctx).Warnw(message, keysAndValues...)
}

// Error writes a line about err with the decision that it carries.
func (l *Logger) Error(ctx context.Context, message string, err error, keysAndValues ...any) {
	l.in(ctx).With("error", err.Error(), "code", string(fault.CodeOf(err))).Errorw(message, keysAndValues...)
}

// in adds the ids that ctx carries, and the trace to jump to.
func (l *Logger) in(ctx context.Context) *zap.SugaredLogger {
	out := l.zap
	if id, ok := identityOf(ctx); ok {
		out = out.With("event_id", id.eventID, "correlation_id", id.correlationID, "causation_id", id.causationID)
	}
	if trace := traceID(ctx); trace != "" {
		out = out.With("trace_id", trace)
	}
	return out
}
