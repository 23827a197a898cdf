package main

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// celLoop runs a compiled CEL program for each rule.
type celLoop struct {
	answers
	programs []cel.Program
	err      error
}

func buildCel(w *workload) (peer, error) {
	env, err := cel.NewEnv(
		cel.Variable("path", cel.StringType),
		cel.Variable("plain", cel.StringType),
		cel.Variable("type", cel.StringType),
		cel.Variable("category", cel.StringType),
		cel.Variable("segment", cel.StringType),
		cel.Variable("param", cel.StringType),
		cel.Variable("known", cel.BoolType),
	)
	if err != nil {
		return nil, err
	}
	p := &celLoop{programs: make([]cel.Program, len(w.rules))}
	for i := range w.rules {
		ast, issues := env.Compile(celSource(&w.rules[i]))
		if err := issues.Err(); err != nil {
			return nil, err
		}
		// OptOptimize compiles constant regular expressions once.
		p.programs[i], err = env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func celSource(r *rule) string {
	source := ""
	switch r.kind {
	case prefix:
		source = fmt.Sprintf("path.startsWith(%q)", r.text)
	case equals:
		source = fmt.Sprintf("plain == %q", r.text)
	case contains:
		source = fmt.Sprintf("path.contains(%q)", r.text)
	case suffix:
		source = fmt.Sprintf("path.endsWith(%q)", r.text)
	case regex, glob:
		source = fmt.Sprintf("path.matches(%q)", r.pathExpr("$"))
	case segment:
		source = fmt.Sprintf("segment == %q", r.text)
	case param:
		source = fmt.Sprintf("param == %q", r.text)
	default:
		source = fmt.Sprintf("type == %q && category == %q", r.text, r.category)
	}
	if r.known {
		source = "known && " + source
	}
	return source
}

func (p *celLoop) run(v *visit) {
	p.hits, p.err = p.hits[:0], nil
	for i, program := range p.programs {
		held, _, err := program.Eval(v.vars)
		if err != nil {
			p.err = err
		}
		if held == types.True {
			p.hits = append(p.hits, int32(i))
		}
	}
}

func (p *celLoop) check(v *visit, rules []rule) error {
	if p.err != nil {
		return p.err
	}
	return p.answers.check(v, rules)
}
