import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A node on any clock. All of it runs on one thread, so state needs no locks. */
@SuppressWarnings("unchecked")
final class Node {
    /** In nanoseconds, as all durations. */
    static final long SECOND = 1_000_000_000L;

    private static final String END = new String("the end of the input");

    /** Gives the reply's body, now or later. */
    interface Handler {
        CompletableFuture<Map<String, Object>> handle(String src, Map<String, Object> body);
    }

    String id;
    List<String> ids = List.of();
    Random random = new Random();
    private final Map<String, Handler> handlers = new HashMap<>();
    private final Map<Object, CompletableFuture<Map<String, Object>>> waiting = new HashMap<>();
    private final Timers timers = new Timers();
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final StringBuilder out = new StringBuilder();
    private long number;
    private Long at; // Virtual nanoseconds, in lockstep.

    /** Sets the handler of a type; that of init is called when the node knows its name. */
    void on(String type, Handler handler) {
        handlers.put(type, handler);
    }

    /** Nanoseconds. A node in lockstep may know no other time. */
    long now() {
        return at != null ? at : System.nanoTime();
    }

    void send(String dest, Map<String, Object> body) {
        Json.write(out, body("src", id, "dest", dest, "body", body));
        out.append('\n');
    }

    /** Does something later. */
    Timers.Timer after(long wait, Runnable action) {
        return timers.add(now() + wait, action);
    }

    CompletableFuture<Void> sleep(long wait) {
        CompletableFuture<Void> over = new CompletableFuture<>();
        after(wait, () -> over.complete(null));
        return over;
    }

    /** The reply's body; fails with an RpcException for an error, or when time is up. */
    CompletableFuture<Map<String, Object>> rpc(String dest, Map<String, Object> body, long wait) {
        long msgId = ++number;
        CompletableFuture<Map<String, Object>> reply = new CompletableFuture<>();
        RpcException late = new RpcException(0, "no reply from " + dest + " in time");
        Timers.Timer timer = after(wait, () -> waiting.remove(msgId).completeExceptionally(late));
        waiting.put(msgId, reply);
        send(dest, with(body, "msg_id", msgId));
        return reply.whenComplete((got, error) -> timers.remove(timer)).thenApply(got -> {
            if (!"error".equals(got.get("type"))) return got;
            throw new RpcException((Long) got.get("code"), String.valueOf(got.get("text")));
        });
    }

    /** An RPC again and again until it is answered: for what may happen twice. */
    CompletableFuture<Map<String, Object>> retry(String dest, Map<String, Object> body, long wait) {
        return rpc(dest, body, wait).exceptionallyCompose(error -> {
            long code = RpcException.code(error);
            if (code != 0 && code != 11) return CompletableFuture.failedFuture(error);
            return sleep(wait).thenCompose(over -> retry(dest, body, wait));
        });
    }

    /** A body of keys and values. */
    static Map<String, Object> body(Object... pairs) {
        Map<String, Object> body = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) body.put((String) pairs[i], pairs[i + 1]);
        return body;
    }

    private static Map<String, Object> with(Map<String, Object> body, String key, Object value) {
        Map<String, Object> copy = new LinkedHashMap<>(body);
        copy.put(key, value);
        return copy;
    }

    private void serve(String src, Map<String, Object> body) {
        Handler unknown = (from, request) -> {
            throw new RpcException(10, "unknown type " + request.get("type"));
        };
        CompletableFuture.completedFuture(handlers.getOrDefault(body.get("type"), unknown))
            .thenCompose(handler -> handler.handle(src, body))
            .exceptionally(error -> {
                long code = RpcException.code(error);
                String text = String.valueOf(error.getCause());
                return body("type", "error", "code", code < 0 ? 13 : code, "text", text);
            })
            .thenAccept(reply -> {
                Object msgId = body.get("msg_id");
                if (msgId != null && reply != null) send(src, with(reply, "in_reply_to", msgId));
            });
    }

    private void take(Map<String, Object> message) {
        String src = (String) message.get("src");
        Map<String, Object> body = (Map<String, Object>) message.get("body");
        if (message.get("at") != null) at = (Long) message.get("at");
        CompletableFuture<Map<String, Object>> asked = waiting.remove(body.get("in_reply_to"));
        if (asked != null) {
            asked.complete(body);
        } else if ("init".equals(body.get("type"))) {
            id = (String) body.get("node_id");
            ids = (List<String>) body.get("node_ids");
            Map<String, Object> reply = body("type", "init_ok", "in_reply_to", body.get("msg_id"));
            if (body.get("lockstep") instanceof Map<?, ?> offer) {
                random = new Random(Long.parseUnsignedLong((String) offer.get("seed"), 16));
                reply = with(reply, "lockstep", Map.of("version", 1));
            }
            send(src, reply);
            if (handlers.containsKey("init")) serve(src, Map.of("type", "init"));
        } else if (!"clock".equals(src) && !body.containsKey("in_reply_to")) {
            serve(src, body);
        }
    }

    private void read() {
        InputStreamReader input = new InputStreamReader(System.in, StandardCharsets.UTF_8);
        new BufferedReader(input).lines().forEach(lines::add);
        lines.add(END);
    }

    void run() throws InterruptedException {
        Thread reader = new Thread(this::read);
        reader.setDaemon(true);
        reader.start();
        PrintStream stdout = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        while (true) {
            Long due = at == null ? timers.next() : null;
            String line = due == null ? lines.take() : lines.poll(due - now(), TimeUnit.NANOSECONDS);
            if (line == END) return;
            try {
                if (line != null) take((Map<String, Object>) Json.parse(line));
            } catch (IllegalArgumentException | ClassCastException | NullPointerException error) {
                System.err.println("not a message: " + error);
            }
            timers.fire(this::now);
            if (at != null) send("clock", body("type", "idle", "wake_at", timers.next()));
            stdout.print(out);
            stdout.flush();
            out.setLength(0);
        }
    }
}
