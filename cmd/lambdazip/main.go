// Command lambdazip writes a deployment package for Lambda: the same input gives the same bytes, whatever the clock and
// the file system say.
//
//	lambdazip -o build/arm64/strategy.zip bootstrap=build/arm64/strategy/bootstrap strategies=strategies
//
// Each argument is NAME=PATH: the name in the zip and the file or folder to put there.
package main

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	out := flag.String("o", "", "zip to write")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

func run(out string, args []string) (err error) {
	if out == "" || len(args) == 0 {
		return errors.New("usage: lambdazip -o FILE NAME=PATH …")
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	z := zip.NewWriter(f)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, arg := range args {
		name, from, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("argument %q: want NAME=PATH", arg)
		}
		if err := add(z, name, from); err != nil {
			return fmt.Errorf("add %s: %w", from, err)
		}
	}
	return z.Close()
}

// add puts the file or folder from into z under name. WalkDir's lexical order makes the order of entries fixed.
func add(z *zip.Writer, name, from string) error {
	fsys, root := os.DirFS(filepath.Dir(from)), filepath.Base(from)
	return fs.WalkDir(fsys, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		header := &zip.FileHeader{Name: path.Join(name, strings.TrimPrefix(p, root)), Method: zip.Deflate}
		header.SetMode(0o755)
		header.Modified = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) // the earliest that a zip can say
		w, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		src, err := fsys.Open(p)
		if err != nil {
			return err
		}
		defer src.Close()
		_, err = io.Copy(w, src)
		return err
	})
}
