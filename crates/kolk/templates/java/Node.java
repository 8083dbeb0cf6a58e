import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A node on any clock. All of it runs on one thread, so state needs no locks. */
@SuppressWarnings("unchecked")
final class Node {
    /** In nanoseconds, as all durations. */
    static final long SECOND = 1_000_000_000L;

    /** Gives the reply's body, now or later. */
    interface Handler {
        CompletableFuture<Map<String, Object>> handle(String src, Map<String, Object> body);
    }

    /** What waits for its time, or for the reply to the request of this number. */
    private record Wait(Long number, long due, CompletableFuture<Map<String, Object>> end) {}

    private static final String END = new String("the end of the input");

    String id;
    List<String> ids = List.of();
    Random random = new Random();
    private final Map<String, Handler> handlers = new LinkedHashMap<>();
    private final List<Wait> waits = new ArrayList<>();
    private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final StringBuilder out = new StringBuilder();
    // Answers to a life before this one may still come, so that numbers begin anywhere.
    private long number = random.nextInt() & 0xffffffffL;
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

    private CompletableFuture<Map<String, Object>> await(Long number, long wait) {
        CompletableFuture<Map<String, Object>> end = new CompletableFuture<>();
        waits.add(new Wait(number, now() + wait, end));
        waits.sort(Comparator.comparingLong(Wait::due));
        return end;
    }

    CompletableFuture<Void> sleep(long wait) {
        return await(null, wait).thenAccept(over -> {});
    }

    /** The reply's body; fails with an RpcException for an error, or when time is up. */
    CompletableFuture<Map<String, Object>> rpc(String dest, Map<String, Object> body, long wait) {
        send(dest, with(body, "msg_id", ++number));
        return await(number, wait).thenApply(reply -> {
            if (reply == null) throw new RpcException(0, "no reply from " + dest + " in time");
            if (!"error".equals(reply.get("type"))) return reply;
            throw new RpcException((Long) reply.get("code"), String.valueOf(reply.get("text")));
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
                if (code < 0) error.getCause().printStackTrace();
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
        Object replyTo = body.get("in_reply_to");
        if (message.get("at") != null) at = (Long) message.get("at");
        if ("init".equals(body.get("type"))) {
            id = (String) body.get("node_id");
            ids = (List<String>) body.get("node_ids");
            Map<String, Object> reply = body("type", "init_ok", "in_reply_to", body.get("msg_id"));
            if (body.get("lockstep") instanceof Map<?, ?> offer) {
                long seed = Long.parseUnsignedLong((String) offer.get("seed"), 16);
                number = seed >>> 32;
                random = new Random(seed);
                reply.put("lockstep", Map.of("version", 1));
            }
            send(src, reply);
            serve(src, Map.of("type", "init"));
        } else if (replyTo == null && !"clock".equals(src)) {
            serve(src, body);
        } else {
            List<Wait> asked = waits.stream().filter(wait -> replyTo.equals(wait.number)).toList();
            waits.removeAll(asked);
            asked.forEach(wait -> wait.end.complete(body));
        }
    }

    private void read() {
        new BufferedReader(new InputStreamReader(System.in, UTF_8)).lines().forEach(lines::add);
        lines.add(END);
    }

    /** Serves until the input ends. */
    void run() throws InterruptedException {
        Thread reader = new Thread(this::read);
        reader.setDaemon(true);
        reader.start();
        while (true) {
            Long due = waits.isEmpty() ? null : waits.get(0).due;
            if (at != null) send("clock", body("type", "idle", "wake_at", due));
            System.out.writeBytes(out.toString().getBytes(UTF_8));
            System.out.flush();
            out.setLength(0);
            long pause = at != null || due == null ? Long.MAX_VALUE : due - now();
            String line = lines.poll(pause, TimeUnit.NANOSECONDS);
            if (line == END) return;
            try {
                if (line != null) take((Map<String, Object>) Json.parse(line));
            } catch (IllegalArgumentException | ClassCastException | NullPointerException error) {
                System.err.println("not a message: " + error);
            }
            while (!waits.isEmpty() && waits.get(0).due <= now()) {
                waits.remove(0).end.complete(null);
            }
        }
    }
}
