import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Scanner;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;

/**
 * Java's assignors. Each line of input is a group, `STRATEGY|TOPIC=PARTITIONS,...|MEMBER;INSTANCE;TOPIC,.../...`, and each
 * line of output what its members get: `MEMBER:TOPIC-PARTITION,... ...`.
 */
public class Assignors {
    private static final Node NODE = new Node(0, "localhost", 1);

    public static void main(String[] arguments) {
        Scanner input = new Scanner(System.in);
        while (input.hasNextLine()) {
            String[] parts = input.nextLine().split("\\|", -1);
            ConsumerPartitionAssignor assignor =
                parts[0].equals("range") ? new RangeAssignor() : new RoundRobinAssignor();
            var assignment = assignor.assign(cluster(parts[1]), new GroupSubscription(members(parts[2])));
            List<String> shown = new ArrayList<>();
            for (String member : new TreeSet<>(assignment.groupAssignment().keySet())) {
                List<String> partitions = new ArrayList<>();
                assignment.groupAssignment().get(member).partitions()
                    .forEach(partition -> partitions.add(partition.toString()));
                Collections.sort(partitions);
                shown.add(member + ":" + String.join(",", partitions));
            }
            System.out.println(String.join(" ", shown));
        }
    }

    private static Cluster cluster(String topics) {
        List<PartitionInfo> partitions = new ArrayList<>();
        for (String topic : topics.split(",")) {
            String[] parts = topic.split("=");
            for (int partition = 0; partition < Integer.parseInt(parts[1]); partition++) {
                Node[] replicas = {NODE};
                partitions.add(new PartitionInfo(parts[0], partition, NODE, replicas, replicas));
            }
        }
        return new Cluster("cluster", List.of(NODE), partitions, Set.of(), Set.of());
    }

    private static Map<String, Subscription> members(String text) {
        Map<String, Subscription> members = new HashMap<>();
        for (String member : text.split("/")) {
            String[] parts = member.split(";", -1);
            List<String> topics = parts[2].isEmpty() ? List.of() : Arrays.asList(parts[2].split(","));
            Subscription subscription = new Subscription(topics);
            if (!parts[1].isEmpty()) subscription.setGroupInstanceId(Optional.of(parts[1]));
            members.put(parts[0], subscription);
        }
        return members;
    }
}
