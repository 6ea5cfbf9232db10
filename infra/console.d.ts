// The types of the console's JavaScript: what the API sends, what `h` takes, and what its modules hand to each other.

// --- what the API sends -----------------------------------------------------------------------------------------------

/** One line of the list of escalations. */
interface Escalation {
  escalation_id: string;
  turn_id: string;
  status: string;
  reason: string;
  agent: string;
  customer_id: string;
  message: string;
  /** ISO 8601, as all moments but `Attempt.at` and `Breaker.open_until`. */
  opened_at: string;
  answer_by: string;
  waited_s: number;
  pages: number;
  severity: "high" | "critical" | null;
  version: number;
  claimant: string | null;
  claimant_name: string | null;
  claim_until: string | null;
}

interface EscalationPage {
  escalations: Escalation[];
  cursor: string | null;
}

/** One escalation with its whole context. */
interface EscalationContext extends Escalation {
  turn: Turn;
  metadata: Record<string, string>;
  conversation: Said[];
  attempts: Attempt[];
  effects: Effect[];
  spend: Spend;
  breakers: Breaker[];
  accept_at?: Record<string, number>;
  output_schema: Schema;
  answer: (Answer & { by?: string; by_name?: string }) | null;
  draft: Answer | null;
}

/** What a customer gets: a reply, and an output of the agent's schema. */
interface Answer {
  reply: string | null;
  output: unknown;
}

interface Turn extends Answer {
  status: string;
  cost_usd: string;
  conversation_id: string;
  task_id: string;
}

interface Said {
  message: string;
  reply: string | null;
  status: string;
}

interface Attempt {
  tier: string;
  outcome: string;
  reason: string | null;
  confidence: number | null;
  calls: ModelCall[];
  errors: string[];
  /** JSON of an `Answer`. */
  draft: string;
  duration_ms: number;
  cost_usd: string;
  /** Seconds since the epoch. */
  at: number;
}

interface ModelCall {
  model: string;
  error: string | null;
  duration_ms: number;
  cost_usd: string;
}

interface Effect {
  tool: string;
  /** JSON. */
  arguments: string;
  state: string;
  /** JSON. */
  result: string | null;
}

interface Spend {
  posted_usd: string;
  pending_usd: string;
  remaining_usd: string;
  limit_usd: string;
}

interface Breaker {
  dependency: string;
  state: string;
  /** Seconds since the epoch. */
  open_until: number;
}

interface Health {
  breakers: Breaker[];
  broken_agents: { agent: string; fault: string }[];
  stopped: { what: string; name: string }[];
  subscriptions: Record<string, { confirmed: number; unconfirmed: number }> | null;
  unconfirmed_subscriptions: number | null;
}

/** JSON Schema, as far as Pydantic writes it. */
interface Schema {
  $defs?: Record<string, Schema>;
  $ref?: string;
  title?: string;
  description?: string;
  type?: string;
  format?: string;
  pattern?: string;
  maxLength?: number;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

// --- elements ---------------------------------------------------------------------------------------------------------

/** What `h` and `fill` take as children; arrays are flattened, and null, undefined and false are left out. */
type Child = Node | string | number | boolean | null | undefined | readonly Child[];

/** Attributes and a few properties by name; what begins with "on" listens. */
type Attributes = Record<string, unknown>;

/** "textarea.reply" makes a textarea. */
type Made<What extends string> = What extends `${infer Tag}.${string}` ? ByTag<Tag> : ByTag<What>;
type ByTag<Tag extends string> = Tag extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Tag] : HTMLElement;

type Editable = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

// --- views ------------------------------------------------------------------------------------------------------------

/** What the page shows: those with `refresh` are for operators who are signed in. */
interface View {
  element: Child;
  title: string | (() => string);
  refresh?(): Promise<void>;
  failed?(problem: import("../layers/core/turnkeeper/console/api.js").Problem): void;
  tick?(): void;
  keys?: Record<string, () => unknown>;
}

/** Whose an escalation is, as the reader sees it. */
type Mode = "open" | "mine" | "theirs" | "ended";

/** What came of an action is shown by the page that asked for it. */
interface ActingPage {
  data(): EscalationContext;
  mode(): Mode;
  reply(): Composer | undefined;
  look(): Promise<boolean>;
  busy(on: boolean): void;
  calm(): void;
  done(text: string): void;
  warn(title: string, text?: string, kind?: string): void;
  whoNow(): string;
}

interface Actions {
  claim(): void;
  release(): void;
  send(reply: string, output: unknown): Promise<void>;
  stop(): void;
}

interface Composer {
  element: HTMLElement;
  focus(): void;
  fail(problem: import("../layers/core/turnkeeper/console/api.js").Problem): void;
}

/** A reply that is not sent yet. */
interface Draft {
  reply: string;
  with: boolean;
  output: unknown;
}

// --- forms ------------------------------------------------------------------------------------------------------------

/** What a value is typed into; `read` throws an Error that says what is wrong with the text. */
interface Control {
  input: Editable;
  read(text: string): unknown;
  write(value: unknown): void;
}

/** A part of a form; `read` adds lines "place: what is wrong". */
interface Field {
  element: HTMLElement;
  read(errors: string[]): unknown;
  write(value: any): void;
}

/** Whether a value is needed, may be null, and what it is at first. */
interface Wanted {
  required: boolean;
  nullable: boolean;
  initial: unknown;
}

/** Where an error is shown. */
interface Place {
  input: HTMLElement;
  error: HTMLElement;
}

// --- signing in -------------------------------------------------------------------------------------------------------

interface Session {
  access: string;
  refresh: string;
  /** Milliseconds since the epoch. */
  until: number;
  email: string;
}

/** What Cognito still asks for before somebody is signed in. */
interface Challenge {
  name: "NEW_PASSWORD_REQUIRED" | "SOFTWARE_TOKEN_MFA";
  session: string;
  username: string;
  email: string;
}

interface CognitoTokens {
  AccessToken: string;
  RefreshToken?: string;
  ExpiresIn: number;
}
