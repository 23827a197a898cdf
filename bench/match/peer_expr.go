package main

import (
	"fmt"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// exprLoop runs a compiled expr program for each rule, all on one VM, which
// saves allocations.
type exprLoop struct {
	answers
	programs []*vm.Program
	machine  vm.VM
	err      error
}

func buildExpr(w *workload) (peer, error) {
	p := &exprLoop{programs: make([]*vm.Program, len(w.rules))}
	for i := range w.rules {
		program, err := expr.Compile(exprSource(&w.rules[i]), expr.Env(&page{}), expr.AsBool())
		if err != nil {
			return nil, err
		}
		p.programs[i] = program
	}
	return p, nil
}

func exprSource(r *rule) string {
	source := ""
	switch r.kind {
	case prefix:
		source = fmt.Sprintf("path startsWith %q", r.text)
	case equals:
		source = fmt.Sprintf("plain == %q", r.text)
	case contains:
		source = fmt.Sprintf("path contains %q", r.text)
	case suffix:
		source = fmt.Sprintf("path endsWith %q", r.text)
	case regex, glob:
		source = fmt.Sprintf("path matches %q", r.pathExpr("$"))
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

func (p *exprLoop) run(v *visit) {
	p.hits, p.err = p.hits[:0], nil
	for i, program := range p.programs {
		held, err := p.machine.Run(program, &v.page)
		if err != nil {
			p.err = err
		}
		if held == true {
			p.hits = append(p.hits, int32(i))
		}
	}
}

func (p *exprLoop) check(v *visit, rules []rule) error {
	if p.err != nil {
		return p.err
	}
	return p.answers.check(v, rules)
}
