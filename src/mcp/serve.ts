import { Writable } from "node:stream"
import { Server } from "@modelcontextprotocol/sdk/server/index.js"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js"
import {
  CallToolRequestSchema,
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema
} from "@modelcontextprotocol/sdk/types.js"
import { version } from "../../package.json"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { printed } from "../text/printed.ts"
import { readResource, resources, resourceTemplates, resourceType } from "./resources.ts"
import type { Arguments, Tool, ToolMeans } from "./Tool.ts"
import { tools } from "./tools.ts"

const INSTRUCTIONS = `The registry of TCP ports of this machine.
Before you start a server, call allocate with cwd for its port; never choose one yourself. Start it with "d run COMMAND" if you can: it sets PORT, adds the tool's own option, and ends all of its processes.
After EADDRINUSE, call explain with the port and cwd. Never end a process that does not work in your own directory, and do not change the code to another port.
Before you test against a server, call check with cwd.`

const wrongArgument = ({ input, name }: Tool, given: Arguments): string | undefined => {
  const known = Object.keys(input.properties)
  const unknown = Object.keys(given).find((each) => !known.includes(each))
  if (unknown === undefined) return undefined
  return `${name} has no argument ${unknown}${known.length === 0 ? "" : `: it takes ${known.join(", ")}`}`
}

const failure = (message: string, hint: string) => ({
  isError: true,
  content: [{ type: "text" as const, text: printed([`error: ${message}`, `hint: ${hint}`]) }]
})

/** Calls a tool. An error that the model can act on is a result, as the protocol wants it. */
const call = async (name: string, given: Arguments, means: ToolMeans) => {
  const tool = tools.find((each) => each.name === name)
  if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `there is no tool ${name}`)
  const wrong = wrongArgument(tool, given)
  if (wrong !== undefined) return failure(wrong, "call it again with these alone")
  try {
    const { result, text } = await tool.run(given, means)
    return { structuredContent: result, content: [{ type: "text" as const, text: printed(text.split("\n")) }] }
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    // An agent has the argument, and not the option of the command line.
    return failure(error.error.message, error.error.hint.replaceAll("--force", "force: true"))
  }
}

const read = async (uri: string, means: ToolMeans) => {
  try {
    const text = await readResource(uri, means)
    if (text === undefined) throw new McpError(ErrorCode.InvalidParams, `there is no resource ${uri}`)
    return { contents: [{ uri, mimeType: resourceType, text }] }
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    throw new McpError(ErrorCode.InvalidParams, `${error.error.message} (${error.error.hint})`)
  }
}

/** Returns standard output for the protocol alone: whatever else writes to it goes to standard error from now on. */
const takeStdout = (): Writable => {
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write
  return new Writable({
    write: (chunk, encoding, done) => {
      write(chunk, encoding, done)
    }
  })
}

/** Answers a line that is no JSON, or no message: whoever wrote it would wait. The library reads on, and says nothing. */
const answerUnreadable = (output: Writable, error: Error): void => {
  const [code, message] =
    error instanceof SyntaxError
      ? [ErrorCode.ParseError, "the line is not JSON"]
      : error.name === "ZodError"
        ? [ErrorCode.InvalidRequest, "the line is not a message of JSON-RPC 2.0"]
        : []
  if (code !== undefined) output.write(`${JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } })}\n`)
}

/** Serves the Model Context Protocol on standard input and output, until the input ends. */
export const serveMcp = async (means: ToolMeans): Promise<void> => {
  const server = new Server(
    { name: "automatelinux-ports", title: "Ports", version },
    { capabilities: { tools: {}, resources: {} }, instructions: INSTRUCTIONS }
  )
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(({ annotations, description, input, name, output, title }) => ({
      name,
      title,
      description,
      inputSchema: input,
      outputSchema: output,
      annotations: { title, ...annotations }
    }))
  }))
  const running = new Set<Promise<unknown>>()
  /** Lets what was asked before the input ended be answered. */
  const counted = <A>(answer: Promise<A>): Promise<A> => {
    running.add(answer)
    const over = () => running.delete(answer)
    answer.then(over, over)
    return answer
  }
  server.setRequestHandler(CallToolRequestSchema, ({ params }) =>
    counted(call(params.name, params.arguments ?? {}, means))
  )
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates }))
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => counted(read(params.uri, means)))
  const ended = new Promise<void>((done) => {
    server.onclose = done
    const end = async () => {
      // What was read last begins in the next turn, and an answer is sent in the one after it is there.
      do {
        await new Promise((turn) => setImmediate(turn))
        await Promise.allSettled(running)
      } while (running.size > 0)
      await new Promise((turn) => setImmediate(turn))
      await server.close()
    }
    process.stdin.once("end", end)
    process.stdin.once("error", end)
  })
  const output = takeStdout()
  server.onerror = (error) => answerUnreadable(output, error)
  await server.connect(new StdioServerTransport(process.stdin, output))
  await ended
}
