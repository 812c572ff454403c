import { parseSync, Visitor, type Span } from 'oxc-parser';

/** One small change of a source file, by character offsets into its text. */
export interface Mutant {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** What kind of slip it stands for, e.g. `edge of a comparison`. */
  readonly kind: string;
}

const operatorChanges: Readonly<Record<string, readonly [replacement: string, kind: string]>> = {
  '<': ['<=', 'edge of a comparison'],
  '<=': ['<', 'edge of a comparison'],
  '>': ['>=', 'edge of a comparison'],
  '>=': ['>', 'edge of a comparison'],
  '===': ['!==', 'comparison turned'],
  '!==': ['===', 'comparison turned'],
  '+': ['-', 'arithmetic'],
  '-': ['+', 'arithmetic'],
  '*': ['/', 'arithmetic'],
  '/': ['*', 'arithmetic'],
  '&&': ['||', 'logic'],
  '||': ['&&', 'logic'],
};

/** A line for a person's log: nothing depends on it. */
const saysOnly = /^(?:[\w.#]+\.)?log\(/;

/** All single changes of a TypeScript source that a person could make by a slip and that the compiler may let pass. */
export function findMutants(fileName: string, text: string): Mutant[] {
  const { program, errors } = parseSync(fileName, text);
  if (errors.length > 0) throw new Error(`${fileName} cannot be parsed: ${errors[0]?.message ?? ''}`);
  const found: Mutant[] = [];
  const add = (span: Span, replacement: string, kind: string): void => {
    found.push({ start: span.start, end: span.end, replacement, kind });
  };
  const of = (span: Span): string => text.slice(span.start, span.end);
  const changeOperator = (node: { operator: string; left: Span; right: Span }): void => {
    const [replacement, kind] = operatorChanges[node.operator] ?? [];
    const at = text.indexOf(node.operator, node.left.end);
    // A text joined by + is no arithmetic.
    const isText = node.operator === '+' && /['"`]/.test(of(node.left).concat(of(node.right)));
    if (replacement === undefined || kind === undefined || isText || at < 0 || at >= node.right.start) return;
    add({ start: at, end: at + node.operator.length }, replacement, kind);
  };
  const typeLiterals = new Set<number>();
  /** `row[i] ?? 0`: the compiler asks for a default that no run takes. */
  const unreachable = new Set<number>();
  new Visitor({
    TSLiteralType: (node) => void typeLiterals.add(node.literal.start),
    BinaryExpression: changeOperator,
    LogicalExpression: (node) => {
      changeOperator(node);
      if (node.operator === '??' && node.left.type === 'MemberExpression' && node.left.computed)
        unreachable.add(node.right.start);
    },
    ConditionalExpression: (node) => add(node.test, `!(${of(node.test)})`, 'condition turned'),
    IfStatement: (node) => add(node.test, `!(${of(node.test)})`, 'condition turned'),
    UnaryExpression: (node) => {
      if (node.operator === '!') add(node, of(node.argument), 'condition turned');
    },
    Literal: (node) => {
      if (typeLiterals.has(node.start) || unreachable.has(node.start)) return;
      if (typeof node.value === 'number') add(node, node.value === 0 ? '1' : `(${of(node)} * 2)`, 'a number');
      if (typeof node.value === 'boolean') add(node, String(!node.value), 'a truth value');
    },
    CallExpression: (node) => {
      if (node.callee.type !== 'MemberExpression' || node.callee.property.type !== 'Identifier') return;
      if (node.callee.property.name === 'filter')
        add({ start: node.callee.object.end, end: node.end }, '', 'a filter left out');
    },
    ExpressionStatement: (node) => {
      const { expression } = node;
      const isCall = expression.type === 'CallExpression' || expression.type === 'AwaitExpression';
      if (isCall && !saysOnly.test(of(expression))) add(node, ';', 'a call left out');
    },
    SpreadElement: (node) => {
      if (node.argument.type === 'ConditionalExpression') add(node.argument, '{}', 'a field left out');
    },
  }).visit(program);
  return found.toSorted((a, b) => a.start - b.start || a.end - b.end);
}

/** The text with one change made. */
export const mutated = (text: string, mutant: Mutant): string =>
  text.slice(0, mutant.start) + mutant.replacement + text.slice(mutant.end);
