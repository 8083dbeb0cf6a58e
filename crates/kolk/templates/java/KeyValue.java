import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A client of lin-kv, seq-kv or lww-kv. Error 20: no such key; 22: its value is another. */
record KeyValue(Node node, String service) {
    CompletableFuture<Object> read(Object key) {
        return ask(Node.body("type", "read", "key", key)).thenApply(reply -> reply.get("value"));
    }

    CompletableFuture<Map<String, Object>> write(Object key, Object value) {
        return ask(Node.body("type", "write", "key", key, "value", value));
    }

    CompletableFuture<Map<String, Object>> cas(Object key, Object from, Object to, boolean create) {
        String option = "create_if_not_exists";
        return ask(Node.body("type", "cas", "key", key, "from", from, "to", to, option, create));
    }

    private CompletableFuture<Map<String, Object>> ask(Map<String, Object> body) {
        return node.rpc(service, body, Node.SECOND);
    }
}
